package traces

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// header is the first line of a trace.
const header = "linmem-trace 1"

// maxLine is the longest line that Parse takes, in bytes: only comments come near it.
const maxLine = 64 << 10

// Parse reads a trace, uncompressed, and checks all of it: each line's form, that what is freed or resized is live, and
// that each new block has the lowest number that is free. Errors name the line.
func Parse(r io.Reader) (*Trace, error) {
	t, err := parse(r)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return t, nil
}

func parse(r io.Reader) (*Trace, error) {
	p := parser{in: bufio.NewReaderSize(r, maxLine)}
	t, err := p.trace()
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return t, nil
}

type parser struct {
	in   *bufio.Reader
	line int // number of the last line read, from 1
	live ids
}

// next returns the next line without its newline, or io.EOF. It is good until the next call.
func (p *parser) next() ([]byte, error) {
	p.line++
	line, err := p.in.ReadSlice('\n')
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case errors.Is(err, io.EOF) && len(line) == 0:
		return nil, io.EOF
	case errors.Is(err, io.EOF):
		return nil, errors.New("no newline at the end: the trace was cut")
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("longer than %d bytes", maxLine)
	}
	return nil, err
}

func (p *parser) trace() (*Trace, error) {
	t := new(Trace)
	first, err := p.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(first) != header {
		return nil, fmt.Errorf("%q instead of %q: not a trace, or of another version", clip(first), header)
	}
	for {
		line, err := p.next()
		if errors.Is(err, io.EOF) {
			t.MaxLive = p.live.most
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		if len(line) > 0 && line[0] == '#' {
			comment, ok := bytes.CutPrefix(line, []byte("# "))
			if !ok || len(t.Ops) > 0 {
				return nil, errors.New(`a comment begins with "# " and stands above the operations`)
			}
			t.Comments = append(t.Comments, string(comment))
			continue
		}
		if len(t.Ops) == MaxOps {
			return nil, fmt.Errorf("more than %d operations", MaxOps)
		}
		op, err := parseOp(line)
		if err != nil {
			return nil, err
		}
		if err := p.live.apply(op); err != nil {
			return nil, err
		}
		t.Ops = append(t.Ops, op)
	}
}

// forms are the numbers that follow a kind's letter.
var forms = [...]struct {
	text     string
	min, max int
}{
	Alloc:   {"a ID SIZE [ALIGN]", 2, 3},
	Free:    {"f ID", 1, 1},
	Realloc: {"r ID SIZE", 2, 2},
}

// parseOp reads a line by itself.
func parseOp(line []byte) (Op, error) {
	var kind Kind
	if len(line) > 0 && line[0] != kindLetters[0] {
		kind = Kind(max(0, bytes.IndexByte([]byte(kindLetters), line[0])))
	}
	if kind == 0 {
		return Op{}, fmt.Errorf("%q is no operation: it begins with a, f or r", clip(line))
	}
	form := forms[kind]
	var numbers [3]uint64
	n := 0
	for rest := line[1:]; len(rest) > 0; n++ {
		if rest[0] != ' ' || n == form.max {
			return Op{}, fmt.Errorf("%q is not of the form %q", clip(line), form.text)
		}
		field, after, more := bytes.Cut(rest[1:], []byte(" "))
		rest = rest[1+len(field):]
		if more && len(after) == 0 {
			return Op{}, fmt.Errorf("%q ends with a space", clip(line))
		}
		var err error
		if numbers[n], err = parseNumber(field); err != nil {
			return Op{}, err
		}
	}
	if n < form.min {
		return Op{}, fmt.Errorf("%q is not of the form %q", clip(line), form.text)
	}
	id, size, align := numbers[0], numbers[1], numbers[2]
	switch {
	case id >= MaxOps:
		return Op{}, fmt.Errorf("block %d: there are no more than %d", id, MaxOps)
	case size > MaxSize:
		return Op{}, fmt.Errorf("size %d is above %d", size, uint64(MaxSize))
	case n == 3 && (align == 0 || align&(align-1) != 0 || align > MaxAlign):
		return Op{}, fmt.Errorf("alignment %d is no power of two from 1 to %d", align, MaxAlign)
	}
	return NewOp(kind, uint32(id), size, align), nil
}

func parseNumber(field []byte) (uint64, error) {
	n, err := strconv.ParseUint(string(field), 10, 64)
	if err != nil || len(field) > 1 && field[0] == '0' {
		return 0, fmt.Errorf("%q is no number, decimal, without leading zeros and below 2^64", clip(field))
	}
	return n, nil
}

// clip shortens what an error quotes.
func clip(b []byte) []byte { return b[:min(len(b), 80)] }

// WriteTo writes the trace, as Parse reads it. The name is not part of it.
func (t *Trace) WriteTo(w io.Writer) (int64, error) {
	var written int64
	b := append([]byte(nil), header+"\n"...)
	flush := func() error {
		n, err := w.Write(b)
		written += int64(n)
		b = b[:0]
		return err
	}
	for _, c := range t.Comments {
		b = append(append(append(b, "# "...), c...), '\n')
	}
	for _, op := range t.Ops {
		if len(b) > maxLine {
			if err := flush(); err != nil {
				return written, err
			}
		}
		b = append(op.appendTo(b), '\n')
	}
	return written, flush()
}
