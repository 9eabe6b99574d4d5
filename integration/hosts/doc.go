// Package hosts lists hosts that exist already, with linmem in them, to be copied from. Each takes a project as its users
// do, unmodified and from the module proxy, and puts bytes straight into the memory of its guests besides.
//
//	package        host                               the guest is reached by  Open follows  a guest has to
//	extismhost     Extism's Go SDK                    a function listener      grow          export one function more
//	gopluginhost   go-plugin, by knqyf263             the caller's options     arena         change nothing
//	substratehost  one for the runtimes of Substrate  the host's own code      heap-base     change nothing
//
// What that saves of a call with n bytes each way. The tests of each package hold these numbers; its doc has the times.
//
//	package        copies of n bytes  calls between host and guest  Go allocations
//	extismhost     4 → 1              n/4 + 13 → 10                 35 → 31
//	gopluginhost   3 → 2              4 → 2                         11 → 6
//	substratehost  2 → 2              the same                      the same
//
// Substrate's hosts allocate from the host already. There the gain is that nothing of the allocator is in the guest's
// memory, that each free is checked, and less memory.
//
// build.sh builds the guests, which are committed.
package hosts
