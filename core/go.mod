module github.com/linmem/linmem/core

go 1.25.0
