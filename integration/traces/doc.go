// Package traces holds what real programs asked of malloc, from their start to their end, to be replayed on an allocator:
// a compiler, an interpreter or a database has sizes, lifetimes and an order of its own that no random workload has.
//
// The folder record has the recorder and the script that made the traces; the package native replays them on C's
// allocators.
//
// # The format
//
// A trace is text, in files that end in .trace, or .trace.gz if compressed by gzip:
//
//	linmem-trace 1                 the format and its version
//	# sed 4.9-1, Debian, amd64     comments: the program first, then its command line
//	# sed -n p tzdata.zi
//	a 0 72704                      allocate block 0, of 72,704 bytes
//	a 1 0                          blocks of 0 bytes are blocks
//	r 0 80000                      resize block 0; it may move, and it is block 0 still
//	a 2 100 64                     allocate at a multiple of 64
//	f 1                            free block 1
//	a 1 24                         1 is the lowest number that is free again
//
// (Without what stands to the right here.) The first line is followed by comments, and then there is an operation a line,
// up to the end. Each line ends with a newline, its fields are separated by one space, and numbers are decimal without
// leading zeros: a trace is written in one way only, so that text which is parsed and written again is the same text.
//
// A block's number, ID, is the lowest that no live block has. It follows from the lines before; it is written all the
// same, for the reader, for programs without a table of free numbers, and to notice a line lost. The numbers are dense:
// an array of as many entries as there ever are live blocks holds them all, and gzip takes most of what they cost.
//
// Sizes are bytes, from 0 to [MaxSize]. Alignments are bytes, a power of two up to [MaxAlign]; they are there only if the
// program asked for one (memalign, posix_memalign, aligned_alloc). Without one, an address is to be a multiple of the
// largest power of two not above the size, 16 at most, as it is in linmem; C's malloc gives 16 always. A resize keeps no
// alignment, as realloc does not.
//
// calloc is an allocation like any other. A free of NULL, and what failed, are not in a trace. Blocks that the program
// did not free stay live to the end. A trace of several threads is in one order in which all can have happened.
package traces
