package matrix

import (
	"context"
	"testing"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/guests"
)

// RunPoolBenchmarks compares what a request costs that gets an instance of its own with one that gets an instance which has
// served others. The guest is in C, with an allocator from which the host's pages are; its code is compiled before, and each
// request needs 64 KiB of data that are the same for all, and ten blocks of 4 KiB that the guest reads.
//
//	fresh     instantiates the guest, opens it, and puts the data that all need
//	reset     has the data put again, after Heap.Reset
//	restored  goes back to the heap of a snapshot, and puts back the bytes of the data
func RunPoolBenchmarks(b *testing.B, list ...engines.Engine) {
	for _, e := range list {
		if e.LeftOut != "" || e.GoGuest || e.Is64 || e.Interprets {
			b.Logf("%s is left out: it is not in the build, has no guest of this kind, or interprets it", e.Name)
			continue
		}
		b.Run(e.Name, func(b *testing.B) {
			b.Run("fresh", func(b *testing.B) {
				s := newServer(b, e)
				for b.Loop() {
					s.open()
					s.putCommon()
					s.serve()
					s.close()
				}
			})
			b.Run("reset", func(b *testing.B) {
				s := newServer(b, e)
				s.open()
				defer s.close()
				for b.Loop() {
					s.must(s.guest.Heap.Reset())
					s.putCommon()
					s.serve()
				}
			})
			b.Run("restored", func(b *testing.B) {
				s := newServer(b, e)
				s.open()
				defer s.close()
				s.putCommon()
				snapshot, err := s.guest.Heap.MarshalBinary()
				s.must(err)
				for b.Loop() {
					s.must(s.guest.Restore(snapshot))
					view, err := s.guest.Heap.View(s.common, uint64(len(s.data)))
					s.must(err)
					copy(view, s.data)
					s.serve()
				}
			})
		})
	}
}

// server serves requests.
type server struct {
	*testing.B
	engine engines.Engine
	report *guest.Report
	data   []byte // that all requests need
	block  []byte

	inst   guest.Instance
	stop   func()
	guest  *guest.Guest
	common uint64
}

func newServer(b *testing.B, e engines.Engine) *server {
	s := &server{B: b, engine: e, data: make([]byte, 64<<10), block: make([]byte, 4<<10)}
	var err error
	s.report, err = guest.Inspect(guests.LibcMalloc)
	s.must(err)
	s.open() // so that the code is compiled
	s.close()
	return s
}

func (s *server) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *server) open() {
	var err error
	s.inst, s.stop, err = s.engine.Open(context.Background(), guests.LibcMalloc)
	s.must(err)
	s.guest, err = guest.Open(context.Background(), s.inst, s.report)
	s.must(err)
}

func (s *server) close() {
	s.must(s.guest.Close(context.Background()))
	s.stop()
}

func (s *server) putCommon() {
	var err error
	s.common, err = s.guest.Heap.Put(s.data)
	s.must(err)
}

// serve is a request, which leaves its blocks behind.
func (s *server) serve() {
	for range 10 {
		addr, err := s.guest.Heap.Put(s.block)
		s.must(err)
		_, err = s.inst.Call(context.Background(), "digest", addr, uint64(len(s.block)))
		s.must(err)
	}
}
