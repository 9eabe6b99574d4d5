// Package extismhost puts bytes straight into the memory of plugins of Extism, beside its Go SDK
// (github.com/extism/go-sdk, on wazero), which stays as it is.
//
// # How Extism does it
//
// A plugin's input and output are not in the plugin's memory, but in that of another instance, Extism's kernel. That is
// also what the SDK's Plugin.Memory returns. SetInput has the kernel allocate, and copies the bytes there; the plugin
// loads them from the kernel and stores its output there, eight bytes at a time, each time by a call of the host
// (host.go, load_u64 and store_u64); GetOutput copies that to a new Go slice. For n bytes in and n out, that is four
// times n bytes, and n/4 calls.
//
// # How linmem gets in
//
// What it needs is the api.Module of the plugin. The SDK does not give it away: Plugin.Module wraps it (module.go, line
// 9, since extism/go-sdk#47), and host functions are built with WithGoFunction, which has no module (host.go, line 240).
// But the SDK compiles and calls plugins in the context of its caller, and so wazero's function listeners work, as the
// SDK's own tests have them. A listener is told of which module the function is. Here it listens to the function
// describe, which the host calls once for each instance, and to no other, so that calls cost what they did. With a
// CompiledPlugin the same works for each Instance.
//
// The plugin must have a function that works on bytes in its own memory. It stays a function of Extism's: its input is
// the place, address and length, and its errors, logs, timeouts and other output are Extism's as ever.
//
// # What to copy
//
// plugin.go: listenTo and moduleKey get the module, Open opens its memory, CallInPlace makes the call. In guest/redact.c,
// redact_in_place is the plugin's side. This plugin never grows its memory, so that guest.Open has nothing more to know;
// one with an allocator may need the verdict of guest.Probe, or can export the allocator.
//
// # What it gains
//
// One copy instead of four, and 10 calls instead of n/4 + 13 between plugin, host and kernel (TestCalls). The time of a
// call, with
//
//	go test -run '^$' -bench Redact ./integration/hosts/extismhost
//
// in µs, medians of six runs on two cores of a shared x86-64 server with Go 1.26:
//
//	text     Call  CallInPlace
//	64 B       37           25
//	4 KiB     177           39
//	64 KiB  2,190          223
package extismhost
