package wasm

// The ops that many instructions share.
var (
	opControl = op{none, controls, 0, 0}
	opTest1   = op{none, tests, 1, 1}
	opTest2   = op{none, tests, 2, 1}
	opUnary   = op{none, computes, 1, 1}
	opBinary  = op{none, computes, 2, 1}
	opTernary = op{none, computes, 3, 1}
	opConvert = op{none, converts, 1, 1}
	opLoad    = op{memArg, accesses, 1, 1}
	opStore   = op{memArg, stores, 2, 0}
)

// opRanges are runs of instructions alike. What is in no run does not exist; a later run overrides an earlier one.
var opRanges = []struct {
	from, to opcode
	op
}{
	{opUnreachable, opUnreachable, opControl},
	{0x01, 0x01, op{none, computes, 0, 0}}, // nop
	{opBlock, opIf, op{blockType, controls, 0, 0}},
	{opElse, opElse, opControl},
	{opTry, opTry, op{blockType, unmodeled, 0, 0}},
	{opCatch, opCatch, op{index, unmodeled, 0, 0}},
	{opThrow, opThrow, op{index, controls, 0, 0}},
	{opRethrow, opRethrow, op{index, unmodeled, 0, 0}},
	{opThrowRef, opThrowRef, opControl},
	{opEnd, opEnd, opControl},
	{opBr, opBrIf, op{index, controls, 0, 0}},
	{opBrTable, opBrTable, op{labels, controls, 0, 0}},
	{opReturn, opReturn, opControl},
	{opCall, opCall, op{index, controls, 0, 0}},
	{opCallIndirect, opCallIndirect, op{index2, controls, 0, 0}},
	{opReturnCall, opReturnCall, op{index, controls, 0, 0}},
	{opReturnIndir, opReturnIndir, op{index2, controls, 0, 0}},
	{opCallRef, opReturnRef, op{index, controls, 0, 0}},
	{opDelegate, opDelegate, op{index, unmodeled, 0, 0}},
	{opCatchAll, opCatchAll, op{none, unmodeled, 0, 0}},
	{opDrop, opDrop, op{none, tests, 1, 0}},
	{opSelect, opSelect, opControl},
	{opSelectTyped, opSelectTyped, op{types, controls, 0, 0}},
	{opTryTable, opTryTable, op{tryTable, unmodeled, 0, 0}},
	{opLocalGet, opLocalTee, op{index, controls, 0, 0}},
	{opGlobalGet, opGlobalGet, op{index, computes, 0, 1}},
	{opGlobalSet, opGlobalSet, op{index, controls, 0, 0}},
	{0x25, 0x25, op{index, computes, 1, 1}}, // table.get
	{0x26, 0x26, op{index, computes, 2, 0}}, // table.set

	{0x28, 0x35, opLoad},
	{0x36, 0x3e, opStore},
	{opMemorySize, opMemorySize, op{index, computes, 0, 1}},
	{opMemoryGrow, opMemoryGrow, op{index, controls, 0, 0}},

	{opI32Const, opI32Const, op{signed32, controls, 0, 0}},
	{opI64Const, opI64Const, op{signed64, controls, 0, 0}},
	{0x43, 0x43, op{bytes4, computes, 0, 1}},
	{0x44, 0x44, op{bytes8, computes, 0, 1}},

	{0x45, 0x66, opTest2},
	{0x45, 0x45, opTest1}, // i32.eqz
	{0x50, 0x50, opTest1}, // i64.eqz

	{0x67, 0x69, opUnary},  // i32: clz, ctz, popcnt
	{0x6a, 0x6b, opBinary}, // add, sub
	{0x6c, 0x6c, op{none, multiplies, 2, 1}},
	{0x6d, 0x73, opBinary},               // div to xor
	{0x74, 0x74, op{none, shifts, 2, 1}}, // shl
	{0x75, 0x78, opBinary},               // shr, rotl, rotr
	{0x79, 0x7b, opUnary},                // the same of i64
	{0x7c, 0x7d, opBinary},
	{0x7e, 0x7e, op{none, multiplies, 2, 1}},
	{0x7f, 0x85, opBinary},
	{0x86, 0x86, op{none, shifts, 2, 1}},
	{0x87, 0x8a, opBinary},
	{0x8b, 0x91, opUnary},                      // f32: abs to sqrt
	{0x92, 0x98, opBinary},                     // add to copysign
	{0x99, 0x9f, opUnary},                      // f64: abs to sqrt
	{0xa0, 0xa6, opBinary},                     // add to copysign
	{0xa7, 0xbf, opUnary},                      // conversions
	{0xa7, 0xa7, opConvert},                    // i32.wrap_i64
	{0xac, 0xad, opConvert},                    // i64.extend_i32
	{0xc0, 0xc4, opUnary},                      // extend8_s, extend16_s
	{0xc4, 0xc4, opConvert},                    // i64.extend32_s
	{0xd0, 0xd0, op{heapType, computes, 0, 1}}, // ref.null
	{0xd1, 0xd1, opUnary},                      // ref.is_null
	{opRefFunc, opRefFunc, op{index, computes, 0, 1}},
	{0xd3, 0xd3, opBinary},                   // ref.eq
	{0xd4, 0xd4, opUnary},                    // ref.as_non_null
	{0xd5, 0xd6, op{index, unmodeled, 0, 0}}, // br_on_null, br_on_non_null

	// Stack switching. 0xe5 is left out: it was switch, and is resume_throw_ref, with other immediates.
	{0xe0, 0xe0, op{index, unmodeled, 0, 0}},     // cont.new
	{0xe1, 0xe1, op{index2, unmodeled, 0, 0}},    // cont.bind
	{0xe2, 0xe2, op{index, unmodeled, 0, 0}},     // suspend
	{0xe3, 0xe3, op{handlers, unmodeled, 0, 0}},  // resume
	{0xe4, 0xe4, op{handlers2, unmodeled, 0, 0}}, // resume_throw
	{0xe6, 0xe6, op{index2, unmodeled, 0, 0}},    // switch

	{baseGC + 0, baseGC + 1, op{index, unmodeled, 0, 0}},        // struct.new, struct.new_default
	{baseGC + 2, baseGC + 5, op{index2, unmodeled, 0, 0}},       // struct.get, get_s, get_u, set
	{baseGC + 6, baseGC + 7, op{index, unmodeled, 0, 0}},        // array.new, array.new_default
	{baseGC + 8, baseGC + 10, op{index2, unmodeled, 0, 0}},      // array.new_fixed, new_data, new_elem
	{baseGC + 11, baseGC + 14, op{index, unmodeled, 0, 0}},      // array.get, get_s, get_u, set
	{baseGC + 15, baseGC + 15, op{none, unmodeled, 0, 0}},       // array.len
	{baseGC + 16, baseGC + 16, op{index, unmodeled, 0, 0}},      // array.fill
	{baseGC + 17, baseGC + 19, op{index2, unmodeled, 0, 0}},     // array.copy, init_data, init_elem
	{baseGC + 20, baseGC + 23, op{heapType, unmodeled, 0, 0}},   // ref.test, ref.cast
	{baseGC + 24, baseGC + 25, op{castBranch, unmodeled, 0, 0}}, // br_on_cast, br_on_cast_fail
	{baseGC + 26, baseGC + 30, op{none, unmodeled, 0, 0}},       // conversions, i31

	{baseMisc + 0, baseMisc + 7, opUnary},                              // trunc_sat
	{baseMisc + 8, baseMisc + 8, op{index2, accesses, 3, 0}},           // memory.init
	{baseMisc + 9, baseMisc + 9, op{index, computes, 0, 0}},            // data.drop
	{baseMisc + 10, baseMisc + 10, op{index2, computes, 3, 0}},         // memory.copy
	{baseMisc + 11, baseMisc + 11, op{index, computes, 3, 0}},          // memory.fill: it may be all that is done to new pages
	{baseMisc + 12, baseMisc + 12, op{index2, computes, 3, 0}},         // table.init
	{baseMisc + 13, baseMisc + 13, op{index, computes, 0, 0}},          // elem.drop
	{baseMisc + 14, baseMisc + 14, op{index2, computes, 3, 0}},         // table.copy
	{baseMisc + 15, baseMisc + 15, op{index, computes, 2, 1}},          // table.grow
	{baseMisc + 16, baseMisc + 16, op{index, computes, 0, 1}},          // table.size
	{baseMisc + 17, baseMisc + 17, op{index, computes, 3, 0}},          // table.fill
	{baseMisc + 19, baseMisc + 20, op{none, computes, 4, 2}},           // add128, sub128
	{baseMisc + 21, baseMisc + 22, op{none, computes, 2, 2}},           // mul_wide
	{baseAtomic + 0x00, baseAtomic + 0x00, op{memArg, accesses, 2, 1}}, // notify
	{baseAtomic + 0x01, baseAtomic + 0x02, op{memArg, accesses, 3, 1}}, // wait
	{baseAtomic + 0x03, baseAtomic + 0x03, op{fence, computes, 0, 0}},
	{baseAtomic + 0x10, baseAtomic + 0x16, opLoad},
	{baseAtomic + 0x17, baseAtomic + 0x1d, opStore},
	{baseAtomic + 0x1e, baseAtomic + 0x47, op{memArg, stores, 2, 1}}, // read, modify, write
	{baseAtomic + 0x48, baseAtomic + 0x4e, op{memArg, stores, 3, 1}}, // compare, exchange

	{baseSIMD + 0, baseSIMD + 10, opLoad},
	{baseSIMD + 11, baseSIMD + 11, opStore},
	{baseSIMD + 12, baseSIMD + 12, op{bytes16, computes, 0, 1}},        // v128.const
	{baseSIMD + 13, baseSIMD + 13, op{bytes16, computes, 2, 1}},        // shuffle
	{baseSIMD + 14, baseSIMD + 14, opBinary},                           // swizzle
	{baseSIMD + 15, baseSIMD + 20, opUnary},                            // splat
	{baseSIMD + 21, baseSIMD + 34, op{bytes1, computes, 1, 1}},         // extract_lane
	{baseSIMD + 23, baseSIMD + 23, op{bytes1, computes, 2, 1}},         // replace_lane, of i8x16
	{baseSIMD + 26, baseSIMD + 26, op{bytes1, computes, 2, 1}},         // of i16x8
	{baseSIMD + 28, baseSIMD + 28, op{bytes1, computes, 2, 1}},         // of i32x4
	{baseSIMD + 30, baseSIMD + 30, op{bytes1, computes, 2, 1}},         // of i64x2
	{baseSIMD + 32, baseSIMD + 32, op{bytes1, computes, 2, 1}},         // of f32x4
	{baseSIMD + 34, baseSIMD + 34, op{bytes1, computes, 2, 1}},         // of f64x2
	{baseSIMD + 0x23, baseSIMD + 0x4c, opBinary},                       // comparisons
	{baseSIMD + 0x4d, baseSIMD + 0x4d, opUnary},                        // not
	{baseSIMD + 0x4e, baseSIMD + 0x51, opBinary},                       // and, andnot, or, xor
	{baseSIMD + 0x52, baseSIMD + 0x52, opTernary},                      // bitselect
	{baseSIMD + 0x53, baseSIMD + 0x53, opUnary},                        // any_true
	{baseSIMD + 0x54, baseSIMD + 0x57, op{memArgLane, accesses, 2, 1}}, // load_lane
	{baseSIMD + 0x58, baseSIMD + 0x5b, op{memArgLane, accesses, 2, 0}}, // store_lane
	{baseSIMD + 0x5c, baseSIMD + 0x5d, opLoad},                         // load_zero
	{baseSIMD + 0x5e, baseSIMD + 0x64, opUnary},                        // demote, promote, i8x16.abs to bitmask
	{baseSIMD + 0x65, baseSIMD + 0x66, opBinary},                       // narrow
	{baseSIMD + 0x67, baseSIMD + 0x6a, opUnary},                        // f32x4.ceil to nearest
	{baseSIMD + 0x6b, baseSIMD + 0x73, opBinary},                       // i8x16.shl to sub_sat_u
	{baseSIMD + 0x74, baseSIMD + 0x75, opUnary},                        // f64x2.ceil, floor
	{baseSIMD + 0x76, baseSIMD + 0x79, opBinary},                       // i8x16.min_s to max_u
	{baseSIMD + 0x7a, baseSIMD + 0x7a, opUnary},                        // f64x2.trunc
	{baseSIMD + 0x7b, baseSIMD + 0x7b, opBinary},                       // i8x16.avgr_u
	{baseSIMD + 0x7c, baseSIMD + 0x81, opUnary},                        // extadd_pairwise, i16x8.abs, neg
	{baseSIMD + 0x82, baseSIMD + 0x82, opBinary},                       // q15mulr_sat_s
	{baseSIMD + 0x83, baseSIMD + 0x84, opUnary},                        // all_true, bitmask
	{baseSIMD + 0x85, baseSIMD + 0x86, opBinary},                       // narrow
	{baseSIMD + 0x87, baseSIMD + 0x8a, opUnary},                        // extend
	{baseSIMD + 0x8b, baseSIMD + 0x93, opBinary},                       // i16x8.shl to sub_sat_u
	{baseSIMD + 0x94, baseSIMD + 0x94, opUnary},                        // f64x2.nearest
	{baseSIMD + 0x95, baseSIMD + 0x99, opBinary},                       // i16x8.mul to max_u
	{baseSIMD + 0x9b, baseSIMD + 0x9f, opBinary},                       // avgr_u, extmul
	{baseSIMD + 0xa0, baseSIMD + 0xa1, opUnary},                        // i32x4.abs, neg
	{baseSIMD + 0xa3, baseSIMD + 0xa4, opUnary},                        // all_true, bitmask
	{baseSIMD + 0xa7, baseSIMD + 0xaa, opUnary},                        // extend
	{baseSIMD + 0xab, baseSIMD + 0xae, opBinary},                       // shl to add
	{baseSIMD + 0xb1, baseSIMD + 0xb1, opBinary},                       // sub
	{baseSIMD + 0xb5, baseSIMD + 0xba, opBinary},                       // mul to dot
	{baseSIMD + 0xbc, baseSIMD + 0xbf, opBinary},                       // extmul
	{baseSIMD + 0xc0, baseSIMD + 0xc1, opUnary},                        // i64x2.abs, neg
	{baseSIMD + 0xc3, baseSIMD + 0xc4, opUnary},                        // all_true, bitmask
	{baseSIMD + 0xc7, baseSIMD + 0xca, opUnary},                        // extend
	{baseSIMD + 0xcb, baseSIMD + 0xce, opBinary},                       // shl to add
	{baseSIMD + 0xd1, baseSIMD + 0xd1, opBinary},                       // sub
	{baseSIMD + 0xd5, baseSIMD + 0xdf, opBinary},                       // mul to extmul
	{baseSIMD + 0xe0, baseSIMD + 0xe1, opUnary},                        // f32x4.abs, neg
	{baseSIMD + 0xe3, baseSIMD + 0xe3, opUnary},                        // sqrt
	{baseSIMD + 0xe4, baseSIMD + 0xeb, opBinary},                       // add to pmax
	{baseSIMD + 0xec, baseSIMD + 0xed, opUnary},                        // f64x2.abs, neg
	{baseSIMD + 0xef, baseSIMD + 0xef, opUnary},                        // sqrt
	{baseSIMD + 0xf0, baseSIMD + 0xf7, opBinary},                       // add to pmax
	{baseSIMD + 0xf8, baseSIMD + 0xff, opUnary},                        // conversions
	{baseSIMD + 0x100, baseSIMD + 0x100, opBinary},                     // relaxed_swizzle
	{baseSIMD + 0x101, baseSIMD + 0x104, opUnary},                      // relaxed_trunc
	{baseSIMD + 0x105, baseSIMD + 0x10c, opTernary},                    // relaxed_madd, nmadd, laneselect
	{baseSIMD + 0x10d, baseSIMD + 0x112, opBinary},                     // relaxed_min to dot
	{baseSIMD + 0x113, baseSIMD + 0x113, opTernary},                    // relaxed_dot_add
}
