package wasm

// opcode is an instruction. Those of one byte are that byte; those of a prefix and a number are the prefix's base and the
// number.
//
// See https://webassembly.github.io/spec/core/binary/instructions.html
type opcode uint16

// The bases of the prefixes 0xfb to 0xfe.
const (
	baseGC     opcode = 0x100
	baseMisc   opcode = 0x140
	baseAtomic opcode = 0x180
	baseSIMD   opcode = 0x200
	nOpcodes   opcode = 0x320
)

// prefixes are the instructions' first bytes from firstPrefix on, and where the numbers behind them end.
var prefixes = [...]struct{ base, end opcode }{
	{baseGC, baseMisc}, {baseMisc, baseAtomic}, {baseSIMD, nOpcodes}, {baseAtomic, baseSIMD},
}

const firstPrefix = 0xfb

// The instructions that something here knows by name.
const (
	opUnreachable  opcode = 0x00
	opBlock        opcode = 0x02
	opLoop         opcode = 0x03
	opIf           opcode = 0x04
	opElse         opcode = 0x05
	opTry          opcode = 0x06
	opCatch        opcode = 0x07
	opThrow        opcode = 0x08
	opRethrow      opcode = 0x09
	opThrowRef     opcode = 0x0a
	opEnd          opcode = 0x0b
	opBr           opcode = 0x0c
	opBrIf         opcode = 0x0d
	opBrTable      opcode = 0x0e
	opReturn       opcode = 0x0f
	opCall         opcode = 0x10
	opCallIndirect opcode = 0x11
	opReturnCall   opcode = 0x12
	opReturnIndir  opcode = 0x13
	opCallRef      opcode = 0x14
	opReturnRef    opcode = 0x15
	opDelegate     opcode = 0x18
	opCatchAll     opcode = 0x19
	opDrop         opcode = 0x1a
	opSelect       opcode = 0x1b
	opSelectTyped  opcode = 0x1c
	opTryTable     opcode = 0x1f
	opLocalGet     opcode = 0x20
	opLocalSet     opcode = 0x21
	opLocalTee     opcode = 0x22
	opGlobalGet    opcode = 0x23
	opGlobalSet    opcode = 0x24
	opMemorySize   opcode = 0x3f
	opMemoryGrow   opcode = 0x40
	opI32Const     opcode = 0x41
	opI64Const     opcode = 0x42
	opRefFunc      opcode = 0xd2
)

// immediate is what follows an opcode.
type immediate uint8

const (
	unknown immediate = iota // there is no such instruction
	none
	index     // u32
	index2    // two of them
	blockType // empty, a value type or the index of a type
	tryTable  // a block type and catch clauses
	labels    // a vector of labels and one more
	types     // a vector of value types
	heapType
	castBranch // a byte, a label and two heap types
	handlers   // an index and clauses of a resumption
	handlers2  // two indices and clauses
	memArg     // alignment, memory if not 0, offset
	memArgLane // the same and a lane
	signed32
	signed64
	bytes1
	bytes4
	bytes8
	bytes16
	fence // a zero
)

// effect is what an instruction does to tagged values on the stack: see flow. They pop and push as their op says, and what
// they push is untagged, where nothing else is said.
type effect uint8

const (
	unmodeled effect = iota // the function is given up
	computes                // with its operands, something that is not followed
	tests                   // or drops its operands
	converts                // to another width: the result has its operand's tags
	shifts                  // to the left
	multiplies
	accesses // memory, where the first operand says
	stores   // all operands behind the first, which is an address
	controls // in a way of its own: see flow
)

// op describes an instruction.
type op struct {
	immediate immediate
	effect    effect
	pop, push uint8
}

// isConstant reports whether a constant expression may have an instruction.
//
// See https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
func (o opcode) isConstant() bool {
	switch o {
	case opGlobalGet, opI32Const, opI64Const, 0x43, 0x44, // f32.const, f64.const
		0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e, // add, sub, mul
		0xd0, opRefFunc, // ref.null
		baseGC + 0, baseGC + 1, baseGC + 6, baseGC + 7, baseGC + 8, // struct.new, array.new and their variants
		baseGC + 26, baseGC + 27, baseGC + 28, // any.convert_extern, extern.convert_any, ref.i31
		baseSIMD + 12: // v128.const
		return true
	}
	return false
}

// ops describes all instructions. It is made from opRanges.
var ops = func() (ops [nOpcodes]op) {
	for _, r := range opRanges {
		for o := r.from; o <= r.to; o++ {
			ops[o] = r.op
		}
	}
	return ops
}()
