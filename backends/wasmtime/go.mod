module github.com/linmem/linmem/backends/wasmtime

go 1.25.0

require (
	github.com/bytecodealliance/wasmtime-go/v44 v44.0.0
	github.com/linmem/linmem/backends/native v0.1.0
	github.com/linmem/linmem/core v0.1.0
)

require golang.org/x/sys v0.44.0 // indirect

replace (
	github.com/linmem/linmem/backends/native => ../native
	github.com/linmem/linmem/core => ../../core
)
