//! The guests whose allocator is the global one of Rust's standard library, which is dlmalloc on wasm32-unknown-unknown and
//! the libc's malloc on wasm32-wasi. Built by ../../build.sh.

use std::alloc::Layout;
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// As large as any type of Rust's needs.
const ALIGN: usize = 16;

fn pattern(i: usize, seed: u32) -> u8 {
    (i.wrapping_mul(7).wrapping_add(i >> 8) as u32 ^ seed) as u8
}

/// Returns 0 if there is no memory.
#[no_mangle]
pub unsafe extern "C" fn alloc(size: usize, align: usize) -> *mut u8 {
    std::alloc::alloc(layout(size, align))
}

#[no_mangle]
pub unsafe extern "C" fn dealloc(addr: *mut u8, size: usize, align: usize) {
    std::alloc::dealloc(addr, layout(size, align))
}

#[no_mangle]
pub unsafe extern "C" fn take(size: usize, seed: u32) -> *mut u8 {
    let addr = alloc(size, ALIGN);
    if !addr.is_null() {
        let block = from_raw_parts_mut(addr, size);
        block.iter_mut().enumerate().for_each(|(i, byte)| *byte = pattern(i, seed));
    }
    addr
}

#[no_mangle]
pub unsafe extern "C" fn check(addr: *const u8, size: usize, seed: u32) -> usize {
    let block = from_raw_parts(addr, size);
    block.iter().enumerate().find(|&(i, &byte)| byte != pattern(i, seed)).map_or(0, |(i, _)| 1 + i)
}

#[no_mangle]
pub unsafe extern "C" fn give(addr: *mut u8, size: usize) {
    dealloc(addr, size, ALIGN)
}

/// A block of 0 bytes has 1, since the standard library allocates none of 0.
unsafe fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align_unchecked(size.max(1), align)
}
