// Package inputs holds real files to work on.
package inputs

import _ "embed"

// TZData is the time zone database in its compact text form, release 2025b: real text of some 112 KiB, which takes two
// wasm pages. It is in the public domain, as its first lines say. Debian installs it as /usr/share/zoneinfo/tzdata.zi.
//
//go:embed tzdata.zi
var TZData []byte

// TZDataName is what a report calls it.
const TZDataName = "tzdata.zi"
