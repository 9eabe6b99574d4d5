package wazeromem_test

import (
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// TestStableNeverMoves takes views at sizes from 0 to 65,536 pages, and holds that host and guest see the same bytes through
// all of them after all later growth, by either.
func TestStableNeverMoves(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			mod := add(t, newRuntime(t, engine), new(wazeromem.StableMemories), "", linmemtest.Module(0, 65536))
			m := mustNew(t, mod)
			type kept struct {
				addr uint64
				view []byte
			}
			views := []kept{{0, mustView(t, m, 0, 0)}}
			for i, size := range []uint64{1, 2, 3, 16, 17, 4096, 4097, 32768, 32769, 65534, 65535} {
				prev, by := m.NumPages(), "host"
				if i%2 == 1 {
					by = "guest"
				}
				if err := growths[by](t, mod, size-prev); err != nil {
					t.Fatalf("growth by the %s from %d to %d pages: %v", by, prev, size, err)
				}
				if got := m.NumPages(); got != size {
					t.Fatalf("%d pages after growth by the %s, want %d", got, by, size)
				}
				for _, at := range []uint64{prev * linmem.PageSize, size*linmem.PageSize - 1} {
					v := mustView(t, m, at, 1)
					if v[0] != 0 {
						t.Errorf("a byte of a new page is %d", v[0])
					}
					v[0] = byte(i + 1)
					views = append(views, kept{at, v})
				}
				for _, v := range views[1:] {
					agree(t, mod, v.view, v.addr)
					if again := mustView(t, m, v.addr, 1); addressOf(again) != addressOf(v.view) || again[0] != v.view[0] {
						t.Errorf("at %d pages, %#x is elsewhere than before", size, v.addr)
					}
				}
			}
			for i, v := range views[1:] {
				if want := byte(i/2 + 1); v.view[0] != want {
					t.Errorf("byte %#x is %d, want %d", v.addr, v.view[0], want)
				}
			}
			if all := mustView(t, m, 0, 65535*linmem.PageSize); addressOf(all) != addressOf(views[1].view) {
				t.Error("a view of all begins elsewhere than the first page")
			}
			if !m.Stable() || m.Moves() != 0 {
				t.Errorf("Stable() = %t and Moves() = %d, want true and 0", m.Stable(), m.Moves())
			}
		})
	}
}

// TestStableGrowsByPage holds that growth costs no copy: page by page to the end, wazero's own way takes most of a minute.
func TestStableGrowsByPage(t *testing.T) {
	const most = 15 * time.Second
	for by, grow := range map[string]func(mod api.Module, m *wazeromem.Memory){
		"host": func(_ api.Module, m *wazeromem.Memory) {
			for range 65534 {
				mustGrow(t, m, 1)
			}
		},
		"guest": func(mod api.Module, _ *wazeromem.Memory) { call(t, mod, "grow-by-page", 65534) },
	} {
		mod := add(t, newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories), "", growing)
		m := mustNew(t, mod)
		first := mustView(t, m, 0, 1)
		start := time.Now()
		grow(mod, m)
		if took := time.Since(start); took > most {
			t.Errorf("the %s takes %v to grow page by page, want less than %v", by, took, most)
		}
		first[0] = 7
		if got := m.NumPages(); got != 65535 || mustView(t, m, 0, 1)[0] != 7 {
			t.Errorf("%d pages after growth by the %s, or moved", got, by)
		}
	}
}

// TestNewFindsStable holds that New recognizes a stable memory however it was declared, and no other.
func TestNewFindsStable(t *testing.T) {
	config := engines["compiler"]
	for _, tt := range []struct {
		name       string
		config     wazero.RuntimeConfig
		wasm       []byte
		size, most uint64
	}{
		{"some pages", config, linmemtest.Module(2, 20), 2, 20},
		{"empty", config, linmemtest.Module(0, 20), 0, 20},
		{"always empty", config, linmemtest.Module(0, 0), 0, 0},
		{"full", config, linmemtest.Module(3, 3), 3, 3},
		{"without a maximum", config, unbounded, 1, 65535},
		{"whole", config, linmemtest.Module(65536, 65536), 65536, 65536},
		{"capacity from max", engines["compiler-capacity"], linmemtest.Module(1, 65535), 1, 65535},
		{"capacity from max, empty", engines["compiler-capacity"], linmemtest.Module(0, 65535), 0, 65535},
		{"limited by the runtime", config.WithMemoryLimitPages(10), unbounded, 1, 10},
		{"interpreter", engines["interpreter"], linmemtest.Module(0, 20), 0, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, stable := range []*wazeromem.StableMemories{new(wazeromem.StableMemories), nil} {
				if stable == nil && tt.most > 20 {
					continue // that would be gigabytes
				}
				mod := add(t, newRuntime(t, tt.config), stable, "", tt.wasm)
				for _, export := range []string{"", "memory"} {
					m, err := wazeromem.New(mod, export)
					if err != nil {
						t.Fatal(err)
					}
					if m.Stable() != (stable != nil) || m.NumPages() != tt.size {
						t.Errorf("New(%q): Stable() = %t, NumPages() = %d, want %t and %d", export, m.Stable(), m.NumPages(),
							stable != nil, tt.size)
					}
				}
				m := mustNew(t, mod)
				if prev := mustGrow(t, m, tt.most-tt.size); prev != tt.size {
					t.Errorf("Grow to the maximum returns %d, want %d", prev, tt.size)
				}
				_, err := m.Grow(1)
				wantError(t, "Grow past the maximum", err, linmem.ErrOutOfMemory)
				if got := mustNew(t, mod); got.NumPages() != tt.most || got.Stable() != (stable != nil) {
					t.Errorf("New of the grown memory: Stable() = %t, NumPages() = %d", got.Stable(), got.NumPages())
				}
			}
		})
	}
}

// TestStableBesideOthers has modules of two StableMemories and modules without in one runtime: each has its own memory.
func TestStableBesideOthers(t *testing.T) {
	r := newRuntime(t, engines["compiler"])
	var all []*wazeromem.Memory
	for range 3 {
		for _, stable := range []*wazeromem.StableMemories{new(wazeromem.StableMemories), nil, new(wazeromem.StableMemories)} {
			for range 2 {
				m := mustNew(t, add(t, r, stable, "", linmemtest.Module(0, 20)))
				if m.Stable() != (stable != nil) {
					t.Errorf("Stable() = %t, want %t", m.Stable(), stable != nil)
				}
				all = append(all, m)
			}
		}
	}
	for i, m := range all {
		mustGrow(t, m, uint64(i+1))
		for page := range m.NumPages() {
			mustView(t, m, page*linmem.PageSize, 1)[0] = byte(i + 1)
		}
	}
	for i, m := range all {
		for page := range m.NumPages() {
			if got := mustView(t, m, page*linmem.PageSize, 1)[0]; got != byte(i+1) {
				t.Errorf("page %d of memory %d holds %d, want %d", page, i, got, i+1)
			}
		}
		if got := m.NumPages(); got != uint64(i+1) {
			t.Errorf("memory %d has %d pages, want %d", i, got, i+1)
		}
	}
}
