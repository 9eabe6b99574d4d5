//! A guest that owns an allocator: the global one of Rust's standard library, which is dlmalloc, to be called from outside.
//! As in Rust, whoever frees a block says how large it is and how it is aligned. Built by ../../build.sh.

use std::alloc::Layout;

/// Returns 0 if there is no memory.
#[no_mangle]
pub unsafe extern "C" fn alloc(size: usize, align: usize) -> *mut u8 {
    std::alloc::alloc(layout(size, align))
}

#[no_mangle]
pub unsafe extern "C" fn dealloc(ptr: *mut u8, size: usize, align: usize) {
    std::alloc::dealloc(ptr, layout(size, align))
}

/// Returns 0 if there is no memory; the block is then as it was.
#[no_mangle]
pub unsafe extern "C" fn realloc(ptr: *mut u8, size: usize, align: usize, new_size: usize) -> *mut u8 {
    std::alloc::realloc(ptr, layout(size, align), new_size.max(1))
}

/// A block of 0 bytes has 1, since the standard library allocates none of 0.
unsafe fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align_unchecked(size.max(1), align)
}

/// What digest of malloc.c does.
#[no_mangle]
pub unsafe extern "C" fn digest(ptr: *const u8, len: usize) -> u64 {
    let message = std::slice::from_raw_parts(ptr, len).chunks_exact(8);
    let rest = message.remainder();
    let words = message.map(|word| u64::from_le_bytes(word.try_into().unwrap_unchecked()));
    let bytes = rest.iter().map(|&byte| u64::from(byte));
    let mut factor = 1u64;
    let mut sum = 0u64;
    words.chain(bytes).for_each(|x| {
        sum = sum.wrapping_add(x.wrapping_mul(factor));
        factor += 2;
    });
    sum
}
