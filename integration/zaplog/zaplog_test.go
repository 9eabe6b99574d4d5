package zaplog_test

import (
	"os"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/linmem/linmem/integration/zaplog"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func ExampleObserver() {
	config := zap.NewDevelopmentEncoderConfig()
	config.TimeKey = ""
	log := zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(config), os.Stdout, zap.DebugLevel))

	pages, err := linmem.NewPages(linmemtest.NewMemory(2, 4), linmem.WithObserver(zaplog.Observer(log)))
	if err != nil {
		log.Fatal("no allocator", zap.Error(err))
	}
	for range 2 {
		if _, err := pages.Alloc(2); err != nil {
			log.Error("no pages", zap.Error(err))
		}
	}
	// Output:
	// DEBUG	guest owns	{"start": 0, "pages": 2}
	// DEBUG	memory grew	{"from": 2, "pages": 2}
	// WARN	memory did not grow	{"pages": 2, "error": "linmem: linmemtest.Grow: out of memory"}
	// ERROR	no pages	{"error": "linmem: Pages.Alloc of 131072 bytes (2 pages): out of memory: the memory refused to grow: free something, or raise its maximum"}
}

func TestLevels(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	pages, err := linmem.NewPages(linmemtest.NewMemory(0, 2), linmem.WithObserver(zaplog.Observer(zap.New(core))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pages.Alloc(1); err != nil {
		t.Fatal(err)
	}
	if got := logs.Len(); got != 0 {
		t.Errorf("a growth that worked logged %d warnings", got)
	}
	if _, err := pages.Alloc(1); err == nil {
		t.Fatal("a third page of two")
	}
	if got := logs.FilterMessage("memory did not grow").Len(); got != 1 {
		t.Errorf("a refused growth logged %d warnings, want 1: %v", got, logs.All())
	}
}

func TestHeapEvents(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	heap, err := linmem.NewHeap(linmemtest.NewMemory(1, 9), linmem.WithObserver(zaplog.Observer(zap.New(core))))
	if err != nil {
		t.Fatal(err)
	}
	addr, err := heap.Alloc(5 * linmem.PageSize)
	if err != nil {
		t.Fatal(err)
	}
	if err := heap.Free(addr); err != nil {
		t.Fatal(err)
	}
	if heap.Free(addr) == nil {
		t.Fatal("freed twice")
	}
	for _, message := range []string{"heap took pages", "heap returned pages", "not allocated"} {
		if logs.FilterMessage(message).Len() == 0 {
			t.Errorf("nothing says %q: %v", message, logs.All())
		}
	}
}
