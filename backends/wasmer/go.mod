module github.com/linmem/linmem/backends/wasmer

go 1.25.0

require (
	github.com/linmem/linmem/backends/native v0.1.0
	github.com/linmem/linmem/core v0.1.0
	github.com/wasmerio/wasmer-go v1.0.4
)

require golang.org/x/sys v0.44.0 // indirect

replace (
	github.com/linmem/linmem/backends/native => ../native
	github.com/linmem/linmem/core => ../../core
)
