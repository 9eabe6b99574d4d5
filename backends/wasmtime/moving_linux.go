//go:build cgo

package wasmtimemem

/*
#include <stdbool.h>
#include <stdint.h>

// Of wasmtime/config.h, which only wasmtime-go has at hand. They are weak since cgo links each package by itself first,
// without wasmtime's library; in a program they are wasmtime's, as that has all functions that set a Config in one.
typedef struct wasm_config_t wasm_config_t;
extern __attribute__((weak)) void wasmtime_config_memory_may_move_set(wasm_config_t *, bool);
extern __attribute__((weak)) void wasmtime_config_memory_reservation_set(wasm_config_t *, uint64_t);
extern __attribute__((weak)) void wasmtime_config_memory_reservation_for_growth_set(wasm_config_t *, uint64_t);

static bool move_on_growth(void *config) {
	if (!wasmtime_config_memory_may_move_set || !wasmtime_config_memory_reservation_set ||
	    !wasmtime_config_memory_reservation_for_growth_set)
		return false;
	wasmtime_config_memory_may_move_set(config, true);
	wasmtime_config_memory_reservation_set(config, 0);
	wasmtime_config_memory_reservation_for_growth_set(config, 0);
	return true;
}
*/
import "C"

import (
	"fmt"
	"reflect"
	"runtime"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
)

// MoveOnGrowth is for tests: with an engine of this Config, wasmtime reserves no address space for memories to grow into, so
// that every growth by a page or more moves the memory, be it by the host or by the guest, where it seldom does otherwise.
// With [WithFencedViews] a test then finds uses of views from before a growth; [FenceOnGrowth] finds more. Compiled code
// checks bounds, and is slower.
//
//	cfg := wasmtime.NewConfig()
//	err := wasmtimemem.MoveOnGrowth(cfg)
//	engine := wasmtime.NewEngineWithConfig(cfg)
//
// wasmtime-go shows neither these settings nor its pointer to the Config. Where these are not found any more, and on every
// system but Linux, it fails with [linmem.ErrUnsupported], and with [linmem.ErrInvalid] if the Config is nil, closed, or has
// become an engine already.
func MoveOnGrowth(cfg *wasmtime.Config) error {
	fail := func(err error) error { return &linmem.Error{Op: "wasmtimemem.MoveOnGrowth", Err: err} }
	pointer, err := configPointer(cfg)
	if err != nil {
		return fail(err)
	}
	done := C.move_on_growth(pointer)
	runtime.KeepAlive(cfg)
	if !done {
		return fail(errNoSettings)
	}
	return nil
}

var errNoSettings = fmt.Errorf("%w: this version of wasmtime does not have these settings", linmem.ErrUnsupported)

// configPointer returns wasmtime's Config.
func configPointer(cfg *wasmtime.Config) (unsafe.Pointer, error) {
	if cfg == nil {
		return nil, fmt.Errorf("%w: the Config is nil", linmem.ErrInvalid)
	}
	pointer := reflect.ValueOf(cfg).Elem().FieldByName("_ptr")
	switch {
	case pointer.Kind() != reflect.Pointer:
		return nil, fmt.Errorf("%w: this version of wasmtime-go has the Config elsewhere", linmem.ErrUnsupported)
	case pointer.IsNil():
		return nil, fmt.Errorf("%w: the Config is closed, or an engine has taken it: make another", linmem.ErrInvalid)
	}
	return pointer.UnsafePointer(), nil
}
