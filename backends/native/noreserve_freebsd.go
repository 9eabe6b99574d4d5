package nativemem

// FreeBSD has no such flag.
const noReserve = 0
