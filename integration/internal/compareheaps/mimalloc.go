package compareheaps

import (
	"context"
	"errors"

	"github.com/linmem/linmem/integration/traces"
	"github.com/linmem/linmem/integration/traces/native"
)

// mimallocReplays are those of traces on mimalloc, in C and in a process of its own.
type mimallocReplays struct {
	m        *measurement
	replayer *native.Replayer // nil before it is needed, and if there is none
	missing  bool
}

func newMimalloc(m *measurement) *mimallocReplays { return &mimallocReplays{m: m} }

func (r *mimallocReplays) close() {
	if r.replayer != nil {
		_ = r.replayer.Close()
	}
}

func (r *mimallocReplays) replay(t *traces.Trace) error {
	ctx := context.Background()
	if r.missing || !r.m.run.MatchString(warm+"/"+t.Name) {
		return nil
	}
	if r.replayer == nil {
		var err error
		r.replayer, err = native.Build(ctx, native.Mimalloc)
		if errors.Is(err, native.ErrMissing) {
			r.missing = true
			r.m.report.note("mimalloc: %v.", native.ErrMissing)
			return nil
		}
		if err != nil {
			return err
		}
	}
	times, err := r.replayer.Replay(ctx, t, r.rounds(t))
	if err != nil {
		return err
	}
	r.m.report.Figures = append(r.m.report.Figures, figure{key: key{warm, t.Name, noRuntime, mimalloc}, Value: times.Median})
	return nil
}

// rounds returns how many replays take as long as the others are measured, at some nanoseconds a call.
func (r *mimallocReplays) rounds(t *traces.Trace) int {
	const ns, least = 5, 5
	return max(least, r.m.rounds*int(r.m.time.Nanoseconds())/ns/max(1, len(t.Ops)))
}
