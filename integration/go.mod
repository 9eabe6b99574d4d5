module github.com/linmem/linmem/integration

go 1.25.0

require (
	github.com/bytecodealliance/wasmtime-go/v44 v44.0.0
	github.com/extism/go-sdk v1.7.1
	github.com/knqyf263/go-plugin v0.9.0
	github.com/linmem/linmem/backends/native v0.1.0
	github.com/linmem/linmem/backends/wasmer v0.1.0
	github.com/linmem/linmem/backends/wasmtime v0.1.0
	github.com/linmem/linmem/backends/wazero v0.1.0
	github.com/linmem/linmem/core v0.1.0
	github.com/spf13/cobra v1.10.2
	github.com/tetratelabs/wazero v1.12.0
	github.com/wasmerio/wasmer-go v1.0.4
	go.uber.org/zap v1.28.0
	modernc.org/memory v1.12.1
)

require (
	github.com/dylibso/observe-sdk/go v0.0.0-20240819160327-2d926c5d788a // indirect
	github.com/gobwas/glob v0.2.3 // indirect
	github.com/ianlancetaylor/demangle v0.0.0-20240805132620-81f5be970eca // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/tetratelabs/wabin v0.0.0-20230304001439-f6f874872834 // indirect
	go.opentelemetry.io/proto/otlp v1.3.1 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
	google.golang.org/protobuf v1.34.2 // indirect
)

replace (
	github.com/linmem/linmem/backends/native => ../backends/native
	github.com/linmem/linmem/backends/wasmer => ../backends/wasmer
	github.com/linmem/linmem/backends/wasmtime => ../backends/wasmtime
	github.com/linmem/linmem/backends/wazero => ../backends/wazero
	github.com/linmem/linmem/core => ../core
)
