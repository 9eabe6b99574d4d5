package guest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	linmem "github.com/linmem/linmem/core"
)

// Workload says how [Probe] has a guest allocate, and how far it goes. The zero value is for a guest whose report has
// Allocators: it takes the first.
type Workload struct {
	// Alloc has the guest allocate size bytes and keep them, and returns their address. Where the guest has not so many, that
	// is an address of 0, or an error around [linmem.ErrOutOfMemory].
	Alloc func(ctx context.Context, inst Instance, size uint64) (addr uint64, err error)

	// MaxPages is how large the guest's memory may become. The default is 4,096, which is 256 MiB. If the instance is no
	// [Limiter] it is looked at between two allocations, so that a guest which takes more than it is asked for may pass it.
	MaxPages uint64

	// Timeout is how long each of the two instances may take, once it is made. The default is 10 seconds. A call into a guest
	// ends early only where the runtime can do that.
	Timeout time.Duration
}

// NewWorkload returns the workload of a guest that allocates with the exported function of that name, as [WithAllocator] has
// it. It fails with [linmem.ErrInvalid] if there is none, or its type does not fit.
func NewWorkload(r *Report, alloc string) (Workload, error) {
	a, err := newAllocator(alloc, "", r.Function)
	if err != nil {
		return Workload{}, &linmem.Error{Op: "guest.NewWorkload", Err: err}
	}
	return Workload{Alloc: a.alloc}, nil
}

// Probe finds out what a guest does to pages that the host grows, by doing it in instances that are thrown away: two of
// them, one for each judgement. What cannot be found out is what the report says of it, and Undecided if it does not either.
//
// newInstance returns an instance of the guest that has run nothing yet, and a function that closes it. It should be an
// [Initializer], unless the guest has no _initialize: else growth before it cannot be tried.
//
// For Late, the guest is initialized and allocates 16 bytes; the host grows the memory by a page of canaries; the guest
// allocates as many bytes as the memory has, in small blocks and then in one, and all of them are written to. Three times
// over, so that the memory doubles each time. No block may overlap a page of canaries, and the canaries must be whole. For
// Early, the first page of canaries comes before all that.
//
// A guest that passes has done so once, with this workload. Probe returns an error if an instance cannot be made or
// initialized, or if there is no way to have the guest allocate and the report does not decide: [linmem.ErrInvalid] then.
func Probe(
	ctx context.Context, newInstance func(context.Context) (Instance, func(), error), r *Report, w Workload,
) (*Verdict, error) {
	fail := func(err error) (*Verdict, error) { return nil, &linmem.Error{Op: "guest.Probe", Err: err} }
	if newInstance == nil || r == nil {
		return fail(fmt.Errorf("%w: the report, or the function that makes an instance, is nil", linmem.ErrInvalid))
	}
	if w.Alloc == nil {
		if len(r.Allocators) == 0 {
			if v := r.Verdict; v.Late.Outcome != Undecided && v.Early.Outcome != Undecided {
				return &v, nil
			}
			return fail(fmt.Errorf("%w: the guest exports no allocator that is known: pass a Workload with Alloc", linmem.ErrInvalid))
		}
		w.Alloc = r.Allocators[0].alloc
	}
	if w.MaxPages == 0 {
		w.MaxPages = 4096
	}
	if w.Timeout == 0 {
		w.Timeout = 10 * time.Second
	}
	late, err := probe(ctx, newInstance, w, false)
	if err != nil {
		return fail(err)
	}
	early, err := probe(ctx, newInstance, w, true)
	if err != nil {
		return fail(err)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	return &Verdict{Late: decided(late, r.Verdict.Late), Early: decided(early, r.Verdict.Early)}, nil
}

// decided returns what was probed, and if that is undecided what was inspected, with both reasons.
func decided(probed, inspected Judgement) Judgement {
	if probed.Outcome != Undecided {
		return probed
	}
	inspected.Reason = strings.TrimSuffix(probed.Reason+"; inspected: "+inspected.Reason, "; inspected: ")
	return inspected
}

// probe judges one instance. Its error is about making it.
func probe(
	ctx context.Context, newInstance func(context.Context) (Instance, func(), error), w Workload, early bool,
) (j Judgement, err error) {
	inst, stop, err := newInstance(ctx)
	if err != nil {
		return j, fmt.Errorf("cannot make an instance: %w", err)
	}
	if stop != nil {
		defer stop()
	}
	if inst == nil || inst.Memory() == nil {
		return j, fmt.Errorf("%w: the instance is nil, or has no memory", linmem.ErrInvalid)
	}
	if l, ok := inst.(Limiter); ok {
		if err := l.LimitPages(w.MaxPages); err != nil && !errors.Is(err, linmem.ErrUnsupported) {
			return j, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	p := &prober{ctx: ctx, inst: inst, mem: inst.Memory(), canaries: newCanaries(inst.Memory()), work: w}
	err = p.run(early)
	if errors.Is(err, errInstance) {
		return j, err
	}
	return p.judge(err), nil
}

// prober tries a guest.
type prober struct {
	ctx      context.Context
	inst     Instance
	mem      linmem.Memory
	canaries *canaries
	work     Workload
	rounds   int // that were done to the end
}

// Why a probe ends before its last round.
var (
	errInstance = errors.New("cannot initialize the guest")
	errTaken    = errors.New("the guest took a page of the host's for its own")
	errLimit    = errors.New("the limit of pages does not allow it")
)

// firstBytes is what the guest allocates to begin with, nRounds how often the memory is doubled, and nBlocks in how many
// small blocks.
const (
	firstBytes = 16
	nRounds    = 3
	nBlocks    = 64
)

func (p *prober) run(early bool) error {
	if err := p.room(); err != nil {
		return err
	}
	if early {
		if err := p.grow(); err != nil {
			return err
		}
	}
	if i, ok := p.inst.(Initializer); ok {
		if err := i.Initialize(p.ctx); err != nil {
			if early {
				return err // what the host did may be why
			}
			return fmt.Errorf("%w: %w", errInstance, err)
		}
	}
	if err := p.alloc(firstBytes); err != nil {
		return err
	}
	for round := range nRounds {
		if !early || round > 0 {
			if err := p.grow(); err != nil {
				return err
			}
		}
		if err := p.round(); err != nil {
			return err
		}
		p.rounds++
	}
	return nil
}

// grow adds a page of canaries.
func (p *prober) grow() error {
	prev, err := p.mem.Grow(1)
	if err != nil {
		return err
	}
	return p.canaries.add(pagesOf(linmem.Range{Start: linmem.Page(prev), Len: 1}))
}

// room returns an error if there is none for a round: the memory may become three times as large, and a page more.
func (p *prober) room() error {
	if n := p.mem.NumPages(); 3*n+1 > p.work.MaxPages {
		return fmt.Errorf("%w: the memory has %d pages: raise MaxPages", errLimit, n)
	}
	return nil
}

// round has the guest allocate as many bytes as the memory has, twice.
func (p *prober) round() error {
	if err := p.room(); err != nil {
		return err
	}
	size := p.mem.NumPages() * linmem.PageSize
	for range nBlocks {
		if err := p.alloc(size / nBlocks); err != nil {
			return err
		}
	}
	return p.alloc(size)
}

// alloc has the guest allocate a block, and writes to all of it as the guest might.
func (p *prober) alloc(size uint64) error {
	addr, err := p.work.Alloc(p.ctx, p.inst, size)
	if err != nil {
		return err
	}
	if addr == 0 {
		return fmt.Errorf("%w: the guest has no %d bytes", linmem.ErrOutOfMemory, size)
	}
	block := byteRange{addr, addr + size}
	for _, r := range p.canaries.ranges {
		if block.overlaps(r) {
			return fmt.Errorf("%w: a block of %d bytes at %#x lies over the page at %#x", errTaken, size, addr, r.addr)
		}
	}
	b, err := p.mem.View(addr, size)
	if err != nil {
		return err
	}
	clear(b)
	return p.verify()
}

func (p *prober) verify() error {
	_, addr, err := p.canaries.verify()
	if errors.Is(err, errDamaged) {
		return fmt.Errorf("%w: it wrote to %#x", errTaken, addr)
	}
	return err
}

// judge says what follows from how the run ended.
func (p *prober) judge(err error) Judgement {
	if err != nil && !errors.Is(err, errTaken) {
		// A guest that died may have died of what it did.
		if taken := p.verify(); errors.Is(taken, errTaken) {
			err = fmt.Errorf("%w, and then failed: %w", taken, err)
		}
	}
	switch {
	case errors.Is(err, errTaken):
		return Judgement{Corrupts, "probed: " + err.Error()}
	case err == nil, p.rounds > 0 && (errors.Is(err, linmem.ErrOutOfMemory) || errors.Is(err, errLimit)):
		return Judgement{Tolerates, fmt.Sprintf(
			"probed: the guest left the host's pages alone while it allocated as much as the memory has, rounds: %d", p.rounds)}
	}
	return Judgement{Undecided, "probed: " + err.Error()}
}
