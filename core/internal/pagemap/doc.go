// Package pagemap knows of every page of a memory whether it is free and whether a run begins there, and finds the lowest
// run of free pages of a length: the search behind linmem.Pages.
//
// # Bits
//
// Two bits a page hold all there is to know. A set bit in free is a free page. A set bit in marks is the first page of a
// run that is not free; what follows, up to the next free or marked page, is the rest of it. The page behind the last one
// is marked as well, so that the last run has an end. Everything else can be derived from the bits, and is kept so that the
// search need not read them.
//
// # Positions
//
// Only pages that somebody asked to cover have bits. They form extents, few and mostly one, that are laid end to end: the
// bit of a page stands at its position, which is the page minus a constant of its extent. So a memory that begins high in a
// 64-bit address space, or has wide holes, takes what its extents take, and the search sees one array without holes. Between
// extents, before the first and behind the last, lies a guard, a word that is never free, which keeps free pages from
// touching across it and shifts from reaching past the array. Extents begin at multiples of 64 pages, so that the place of a
// page in its word tells its alignment up to 64.
//
// # The index
//
// A maximal run of free pages belongs to the word in which it starts, wherever it ends. Nothing has to be merged where words
// meet: a run that grows, shrinks or vanishes changes one number, that of its word, and a long run leaves no trace in the
// words that it covers. Three trees ([lanes.Tree]) hold the longest run that starts in each block of pages:
//
//	short    blocks of 64 pages       lengths up to 127, in 8 bits
//	long     blocks of 128 pages      lengths from 127 up to 32,767, in 16 bits
//	longest  blocks of 32,768 pages   lengths from 32,767 up to 2^31-1, in 32 bits
//
// A length that one tree cannot tell is exact in the next, whose blocks are so large that only one such run can start in
// each: the trees cut nothing off and round nothing. The first run of n pages is then in the first block of the right tree
// whose number is n at least. The same trees answer backwards how far down a run reaches: to the last word in which one
// starts. All of it takes 0.3 bits a page.
//
// # Alignment
//
// A run that is long enough may still miss an alignment. What counts is how much of it is left from its first aligned page
// on, and that is another number for every alignment. So each alignment that is asked for gets a tree of its own, over
// blocks of 512 pages or of the alignment, if that is larger. Its numbers are upper bounds: a run that appears raises
// the bound of its block, one that shrinks leaves it, and a search that visits a block in vain sets it to what it found.
// So a block is visited in vain a few times for each time that it changed, however many blocks look as if they would fit.
//
// Go's runtime (src/runtime/mpagealloc.go) finds runs with a tree as well, of summaries (start, max, end) that are merged on
// every level for each change.
package pagemap
