package guest

import (
	"fmt"
	"strings"
)

// Strategy is a way to give the host pages of a guest's memory that the guest leaves alone.
type Strategy string

const (
	// Arena takes regions from the guest's own allocator, as many as the heap needs, and gives them back on
	// [Guest.Close]. It is safe for every guest that exports an allocator, but that guest may end when it has no more
	// memory, as those in Go do. Where only sbrk is exported, the guest must have allocated before.
	Arena Strategy = "arena"

	// HeapBase takes all behind the guest's data, from the global __heap_base on, and grows the memory. It is for a guest
	// that imports its allocator from the host, and so has no other use for those pages.
	HeapBase Strategy = "heap-base"

	// Grow grows the memory whenever the heap needs pages, after the guest was initialized. It is for guests that use what
	// memory.grow returns, or cannot notice.
	Grow Strategy = "grow"

	// Donate grows the memory before the guest is initialized, for the guest; initializes it; and from then on has the host
	// alone grow. What the guest has must do for it: a guest in Go that needs more dies of that. It needs an [Instance] that is
	// an [Initializer] and a [Limiter]; a limit that the host has set before is replaced. It is for guests that claim the whole
	// memory when they are initialized: Go, TinyGo.
	Donate Strategy = "donate"

	// Gap leaves pages to the guest behind what it has, takes a region of a fixed size behind those, and limits the memory so
	// that the guest is refused before it comes to the end of the gap. It is for guests in Go, which believe that their memory
	// is in one piece and count what memory.grow granted; and it needs a [Limiter], whose limit it replaces, or a module whose
	// maximum is low enough.
	Gap Strategy = "gap"
)

// strategies are all of them, in the order in which [Open] tries them.
var strategies = []Strategy{Arena, HeapBase, Grow, Donate, Gap}

// Plan says what [Open] did.
type Plan struct {
	Strategy Strategy `json:"strategy"`
	Reason   string   `json:"reason,omitempty"` // why this strategy is safe for the guest
	Steps    []string `json:"steps,omitempty"`  // what was done, in order

	// Allocator is what the regions of an [Arena] come from.
	Allocator *Allocator `json:"allocator,omitempty"`

	// GuestPages is how many pages the guest can have, for [Donate] and [Gap]; 0 if that is not limited.
	GuestPages uint64 `json:"guest_pages,omitempty"`

	// Unsafe says that the strategy was forced, although it is not known to be safe: see [AcceptCorruption].
	Unsafe bool `json:"unsafe,omitempty"`
}

// String returns the plan in one line.
func (p Plan) String() string {
	s := fmt.Sprintf("%s: %s", p.Strategy, p.Reason)
	if len(p.Steps) > 0 {
		s += " (" + strings.Join(p.Steps, "; ") + ")"
	}
	return s
}

func (p *Plan) did(format string, args ...any) {
	p.Steps = append(p.Steps, fmt.Sprintf(format, args...))
}
