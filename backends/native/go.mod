module github.com/linmem/linmem/backends/native

go 1.25.0

require (
	github.com/linmem/linmem/core v0.1.0
	golang.org/x/sys v0.44.0
)

replace github.com/linmem/linmem/core => ../../core
