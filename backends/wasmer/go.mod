module github.com/linmem/linmem/backends/wasmer

go 1.25.0

require (
	github.com/linmem/linmem/core v0.1.0
	github.com/wasmerio/wasmer-go v1.0.4
)

replace github.com/linmem/linmem/core => ../../core
