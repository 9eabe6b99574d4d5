package guest

import (
	"context"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// Function is an exported function.
type Function struct {
	Signature

	// Invoke calls the function. The arguments fit the signature, whose types are all numeric; the error is the
	// runtime's. The results are raw values whose unused upper bits are zero.
	Invoke func(ctx context.Context, args []uint64) (results []uint64, err error)
}

// Functions calls the exported functions of an instance as [Instance] must: it looks each up once, and checks before a
// call what can be known before it. It is for those who implement Instance.
type Functions struct {
	op     string
	closed func() bool
	lookUp func(name string) (f Function, ok bool)
	known  map[string]Function
}

// NewFunctions returns the functions of an instance. Errors are reported in the name of op, like "wazeromem.Call". The
// instance says whether it is closed, and finds a function as long as it is not.
func NewFunctions(op string, closed func() bool, lookUp func(name string) (f Function, ok bool)) *Functions {
	return &Functions{op: op, closed: closed, lookUp: lookUp, known: map[string]Function{}}
}

// Call does what [Instance] says.
func (fs *Functions) Call(ctx context.Context, name string, args []uint64) ([]uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := fs.get(name)
	if err == nil {
		err = f.checkCall(len(args))
	}
	if err != nil {
		return nil, &linmem.Error{Op: fmt.Sprintf("%s(%q)", fs.op, name), Err: err}
	}
	return f.Invoke(ctx, args)
}

// Signature does what [Typed] says.
func (fs *Functions) Signature(name string) (sig Signature, ok bool) {
	f, err := fs.get(name)
	return f.Signature, err == nil
}

func (fs *Functions) get(name string) (Function, error) {
	if fs.closed() {
		return Function{}, linmem.ErrClosed
	}
	f, ok := fs.known[name]
	if ok {
		return f, nil
	}
	if f, ok = fs.lookUp(name); !ok {
		return f, fmt.Errorf("%w: the guest exports no function of that name", linmem.ErrInvalid)
	}
	fs.known[name] = f
	return f, nil
}
