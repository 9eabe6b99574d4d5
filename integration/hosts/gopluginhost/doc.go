// Package gopluginhost puts requests straight into the memory of plugins of go-plugin (github.com/knqyf263/go-plugin, on
// wazero), beside the host code that protoc-gen-go-plugin generates, which stays as it is. So do plugins. The service is
// the Greeter of go-plugin's own example, examples/helloworld.
//
// # How go-plugin does it
//
// The generated method encodes the request to a new Go slice, calls the plugin's malloc, copies the slice there, calls
// the method, decodes the reply in the plugin's memory, and calls the plugin's free for request and reply: four calls
// into the plugin (greet_host.pb.go, from line 132 on).
//
// # How linmem gets in
//
// What it needs is the api.Module of the plugin. The generated code has two options for its caller that lead there
// together: with WazeroRuntime the caller makes the runtime, and with WazeroModuleConfig it names the module;
// Runtime.Module has it then. As every plugin exports malloc and free, guest.Open takes an arena from there, whatever the
// plugin was made by. They are named to Open, as their names do not say that, in a plugin in Go, they keep blocks from
// the collector; go-plugin's do (wasm/plugin.go).
//
// # What to copy
//
// greeter.go: Load, and Greet, which encodes the request where the plugin reads it. It has the interface of the generated
// method.
//
// # What it gains
//
// One copy of the request less, and two calls into the plugin instead of four (TestCalls). The time of a call, with
//
//	go test -run '^$' -bench Greet ./integration/hosts/gopluginhost
//
// in µs, medians of six runs on two cores of a shared x86-64 server with Go 1.26:
//
//	plugin  name    generated  linmem
//	C       16 B          1.1     0.8
//	C       4 KiB         7.6     5.5
//	C       64 KiB        116      81
//	Go      16 B          6.6     5.9
//	Go      4 KiB          36      34
//
// The memory of a plugin in Go grows with each call, by go-plugin's host code and by this one. It seems that nothing is
// collected: goroutines, the collector's too, do not run once an exported function has returned (golang/go#65199). With
// names of 64 KiB, the example's plugin-morning had 4 GiB after 15,944 calls of go-plugin's, or 21,206 of linmem's, and
// died of the next.
package gopluginhost
