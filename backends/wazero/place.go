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

	mu     sync.Mutex
	freed  bool // by wazero
	nUsers int  // modules that are known to use it, and are not collected
}

// used counts a module that uses the memory, until it is collected.
func (p *place) used(mod api.Module) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nUsers++
	runtime.AddCleanup((*byte)(reflect.ValueOf(mod).UnsafePointer()), (*place).userIsGone, p)
}

func (p *place) userIsGone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nUsers--
	if p.freed && p.nUsers == 0 {
		closed.remove(p)
		p.leave()
	}
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

// free ends the place as soon as nobody uses it. Its contents go at once, unless they are in use.
func (p *place) free(inUse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.freed = true
	space := p.space.Load()
	switch {
	case space == nil:
	case p.fenced && !inUse:
		p.leave()
	default:
		if !inUse {
			located.Delete(addressOf(space.Reservation()))
			_ = space.Discard(0, uint64(len(space.Bytes()))) // where that is not supported, the contents stay as long as the place
		}
		closed.add(p, p.nUsers > 0)
	}
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

// closed are the places that wazero has freed, and whose addresses wait for their modules to be collected. Which modules
// have used a memory is known if [New] was called for them; of the others, whose code may run on as well, the last ones are
// kept.
var closed closedPlaces

type closedPlaces struct {
	mu      sync.Mutex
	waiting map[*place]uint64 // bytes of address space
	bytes   uint64            // of all of these
	unknown []*place          // oldest first
}

const (
	// maxUnknown is how many memories of modules that New was not called for are kept: 256 GiB of address space.
	maxUnknown = 64

	// maxClosed is how much address space may wait for the collector, which does not know of it, before it is called: 4 TiB,
	// of 128 on most systems, or 1 GiB where there are 4. So it is called for each 1,024 modules of 4 GiB, if at all.
	maxClosed = 1 << (30 + 12*(bits.UintSize/64))
)

func (c *closedPlaces) add(p *place, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known {
		if c.waiting == nil {
			c.waiting = make(map[*place]uint64)
		}
		n := uint64(len(p.space.Load().Reservation()))
		c.waiting[p] = n
		c.bytes += n
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
	c.bytes -= c.waiting[p]
	delete(c.waiting, p)
}

// makeRoom has the collector look for modules that are closed, if many are.
func (c *closedPlaces) makeRoom() {
	c.mu.Lock()
	full := c.bytes > maxClosed
	c.mu.Unlock()
	if full {
		runtime.GC()
	}
}
