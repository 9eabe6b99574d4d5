package wazeromem

import (
	"math/bits"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"

	nativemem "github.com/linmem/linmem/backends/native"
	"github.com/tetratelabs/wazero/api"
)

// place is where a [stableMemory] is. It is an object of its own since it may have to stay when that is collected, and is
// what the collector's cleanups are about.
type place struct {
	fenced bool                             // see StableMemories.FenceViews
	space  atomic.Pointer[nativemem.Memory] // nil before the first size, after the end, and if there is a fallback

	mu    sync.Mutex
	freed bool // by wazero
}

// endsWith has the place end when wazero's own memory is collected, which every module that uses it has a pointer to.
func (p *place) endsWith(mem api.Memory) {
	v := reflect.ValueOf(mem)
	if v.Kind() != reflect.Pointer {
		return
	}
	runtime.AddCleanup((*byte)(v.UnsafePointer()), func(p *place) {
		p.mu.Lock()
		defer p.mu.Unlock()
		closed.remove(p)
		p.leave()
	}, p)
}

// memoryIsGone is for a memory that wazero has dropped without freeing it, as when a module fails to be instantiated. If it
// was freed, modules may still use it.
func (p *place) memoryIsGone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.freed {
		p.leave()
	}
}

// free ends the place as soon as nobody uses it; known says that this will be noticed. If only the module that is being
// closed does, the contents go at once.
func (p *place) free(alone, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.freed = true
	space := p.space.Load()
	switch {
	case space == nil:
		return
	case alone && p.fenced:
		p.leave()
		return
	case alone:
		// Where that is not supported, the contents stay as long as the place.
		_ = space.Discard(0, uint64(len(space.Bytes())))
	}
	if alone || !known {
		located.Delete(addressOf(space.Reservation()))
	}
	closed.add(p, known, alone)
}

// leave gives the place back, or makes it inaccessible. It does nothing if there is none.
func (p *place) leave() {
	space := p.space.Swap(nil)
	if space == nil {
		return
	}
	located.Delete(addressOf(space.Reservation())) // first, since the address may be another's right after
	if p.fenced && space.Revoke() == nil {
		return
	}
	_ = space.Close() // after a Revoke that is not supported, it is closed already
}

// closed are the places that wazero has freed, and whose addresses wait for its memories to be collected. That is noticed if
// [New] was called for one of the modules; of the others, whose code may run on as well, the last ones are kept.
var closed closedPlaces

type closedPlaces struct {
	mu      sync.Mutex
	waiting map[*place]cost
	total   cost     // of all of these
	unknown []*place // oldest first
}

// cost is what a place takes, in bytes: of address space, and of memory at most.
type cost struct{ addresses, contents uint64 }

const (
	// maxUnknown is how many memories of modules that New was not called for are kept: 256 GiB of address space.
	maxUnknown = 64

	// maxAddresses and maxContents are how much may wait for the collector, which does not know of it, before it is called: 4
	// TiB of addresses, of 128 on most systems, or 1 GiB where there are 4; that is each 1,024 modules of 4 GiB.
	maxAddresses = 1 << (30 + 12*(bits.UintSize/64))
	maxContents  = 256 << 20
)

func (c *closedPlaces) add(p *place, known, empty bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known {
		if c.waiting == nil {
			c.waiting = make(map[*place]cost)
		}
		space := p.space.Load()
		n := cost{addresses: uint64(len(space.Reservation()))}
		if !empty {
			n.contents = uint64(len(space.Bytes()))
		}
		c.waiting[p] = n
		c.total.addresses += n.addresses
		c.total.contents += n.contents
		return
	}
	c.unknown = append(c.unknown, p)
	if len(c.unknown) > maxUnknown {
		oldest := c.unknown[0]
		c.unknown = c.unknown[1:]
		oldest.leave()
	}
}

func (c *closedPlaces) remove(p *place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.waiting[p]
	delete(c.waiting, p)
	c.total.addresses -= n.addresses
	c.total.contents -= n.contents
}

// makeRoom has the collector look for memories that nobody uses, if many are closed.
func (c *closedPlaces) makeRoom() {
	c.mu.Lock()
	full := c.total.addresses > maxAddresses || c.total.contents > maxContents
	c.mu.Unlock()
	if full {
		runtime.GC()
	}
}
