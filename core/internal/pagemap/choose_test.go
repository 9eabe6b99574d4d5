package pagemap_test

// source makes the choices of a stream of steps.
type source interface {
	// pick returns a number below n, which is not 0.
	pick(n uint64) uint64
}

// one returns one of the choices.
func one[T any](s source, from ...T) T { return from[s.pick(uint64(len(from)))] }

// windowSizes are the totals that streams are for, in pages.
var windowSizes = []uint64{128, 704, 5056, 70016}

// chooseWindows returns up to three windows that have about so many pages together.
func chooseWindows(s source, total uint64) (windows []span) {
	count := 1 + s.pick(3)
	n := max(64, total/count&^63)
	for i := range count {
		// No two of them come from the same two places.
		bases := far[i*2:][:2]
		windows = append(windows, span{one(s, bases...), n})
	}
	if s.pick(4) == 0 {
		windows[count-1] = span{space - n, n}
	}
	return windows
}

// choose returns a step that can be taken.
func choose(s source, l *lockstep) op {
	covered := l.slow.size()
	if covered == 0 || s.pick(30) == 0 {
		return chooseCover(s, l)
	}
	o := op{page: l.slow.nth(s.pick(covered)), n: chooseLen(s, l), align: 1, checksAfter: s.pick(16) == 0}
	if last := len(l.log) - 1; last >= 0 && l.log[last].n > 0 && s.pick(4) == 0 {
		o.n = l.log[last].n
	}
	switch s.pick(16) {
	case 0, 1:
		return chooseAdd(s, l, o)
	case 2, 3:
		return chooseRemove(s, l, o)
	case 4:
		return chooseMark(s, l, o)
	case 5, 6, 7, 8:
		o.name = "Alloc"
	case 9, 10, 11:
		return chooseFree(s, l, o)
	case 12, 13:
		o.name, o.align, o.takes = "FindAligned", 1<<s.pick(maxAlignLog2+1), s.pick(2) == 0
		if s.pick(4) > 0 {
			o.align = 1 << s.pick(8)
		}
	case 14:
		o.name, o.align, o.takes = "FindBest", 1<<s.pick(8), s.pick(2) == 0
	default:
		return chooseQuestion(s, l, o)
	}
	return o
}

// chooseCover lets a window grow at one end, or covers what is covered.
func chooseCover(s source, l *lockstep) op {
	w := &l.slow.windows[s.pick(uint64(len(l.slow.windows)))]
	size := uint64(len(w.pages))
	n := one(s, 1, 1+s.pick(200), 1+s.pick(size), size)
	switch {
	case w.low == w.high:
		page := s.pick(size)
		return op{name: "Cover first", page: w.base + page, n: min(n, size-page)}
	case s.pick(4) == 0:
		page := w.low + s.pick(w.high-w.low)
		return op{name: "Cover again", page: w.base + page, n: 1 + s.pick(w.high-page)}
	case w.low > 0 && (s.pick(2) == 0 || w.high == size):
		n = min(n, w.low)
		return op{name: "Cover below", page: w.base + w.low - n, n: n}
	case w.high < size:
		return op{name: "Cover above", page: w.base + w.high, n: min(n, size-w.high)}
	}
	return op{name: "Cover again", page: w.base + w.low, n: w.high - w.low}
}

// chooseLen returns a length: a small one, one at the borders of words, lanes and free runs, or any.
func chooseLen(s source, l *lockstep) uint64 {
	switch s.pick(8) {
	case 0:
		return one(s, lengths...)
	case 1:
		return 1 + s.pick(l.slow.size())
	case 2, 3:
		if len(l.free) > 0 {
			return max(1, one(s, l.free...).n+s.pick(3)-1)
		}
	case 4:
		return 1 + s.pick(200)
	}
	return 1 + s.pick(12)
}

func chooseAdd(s source, l *lockstep, o op) op {
	if s.pick(3) == 0 {
		o.n = 1 + s.pick(l.slow.size()) // memories that are free for the most part
	}
	if n := l.slow.room(o.page, o.n, false); n > 0 {
		o.name, o.n = "Add", n
		return o
	}
	return chooseQuestion(s, l, o)
}

// chooseRemove takes pages out of a run: from its front, back or middle.
func chooseRemove(s source, l *lockstep, o op) op {
	if len(l.free) == 0 {
		return chooseQuestion(s, l, o)
	}
	r := one(s, l.free...)
	o.n = min(o.n, r.n)
	switch s.pick(4) {
	case 0:
		o.name, o.page, o.n = "Remove all", r.page, r.n
	case 1:
		o.name, o.page = "Remove front", r.page
	case 2:
		o.name, o.page = "Remove back", r.end()-o.n
	default:
		o.name, o.page = "Remove middle", r.page+s.pick(r.n-o.n+1)
	}
	return o
}

func chooseMark(s source, l *lockstep, o op) op {
	switch p := l.slow.at(o.page); {
	case p.marked:
		o.name = "Unmark"
	case !p.free:
		o.name = "Mark"
	default:
		return chooseQuestion(s, l, o)
	}
	return o
}

// chooseFree frees a run, or what is none, or asks first whether it is one.
func chooseFree(s source, l *lockstep, o op) op {
	o.name = one(s, "Free", "Free", "Free", "IsRun")
	if len(l.marks) == 0 || s.pick(12) == 0 {
		o.name += " anything"
		return o
	}
	o.page = one(s, l.marks...)
	run := l.slow.RunLen(o.page)
	room := l.slow.room(o.page+run, 1000, false)
	switch how := s.pick(12); {
	case how == 0 && run > 1:
		o.name, o.n = o.name+" part", 1+s.pick(run-1)
	case how == 1:
		o.name, o.n = o.name+" more", run+1+s.pick(70)
	case how == 2 && run > 1:
		skip := 1 + s.pick(run-1)
		o.name, o.page, o.n = o.name+" interior", o.page+skip, run-skip
	case how == 3 && room > 0:
		o.name, o.n = o.name+" next", run+room
	case how == 4:
		o.name, o.n = o.name+" nothing", 0
	case how == 5:
		o.name, o.page, o.n = o.name+" uncovered", one(s, space, 1<<45, ^uint64(0)), run
	default:
		o.name, o.n = o.name+" run", run
	}
	return o
}

func chooseQuestion(s source, l *lockstep, o op) op {
	o.name = one(s, "Find", "FreeLen", "StartBefore", "RunLen", "Marked", "Longest", "NumFreeRuns")
	switch o.name {
	case "FreeLen":
		o.page = l.slow.StartBefore(o.page) // the question is for the start of a run
	case "StartBefore":
		o.page += s.pick(2)
	case "Marked":
		if len(l.marks) > 0 && s.pick(2) == 0 {
			o.page = one(s, l.marks...)
		}
	case "RunLen":
		if len(l.marks) == 0 {
			o.name = "Find"
			break
		}
		o.page = one(s, l.marks...)
	}
	return o
}

// play takes steps until it is over, and returns the first difference. The windows have total pages.
func play(s source, total uint64, over func(taken int) bool) (*lockstep, error) {
	l := newLockstep(chooseWindows(s, total))
	if s.pick(2) == 0 {
		if err := begin(s, l); err != nil {
			return l, err
		}
	}
	for taken := 0; !over(taken); taken++ {
		if err := l.step(choose(s, l)); err != nil {
			return l, err
		}
	}
	return l, nil
}

// begin covers a part of the windows, mostly all of it, and makes it free.
func begin(s source, l *lockstep) error {
	for i := range l.slow.windows {
		w := &l.slow.windows[i]
		n := uint64(len(w.pages))
		if s.pick(3) == 0 {
			n = 1 + s.pick(n)
		}
		for _, name := range []string{"Cover first", "Add"} {
			if err := l.step(op{name: name, page: w.base, n: n}); err != nil {
				return err
			}
		}
	}
	return nil
}
