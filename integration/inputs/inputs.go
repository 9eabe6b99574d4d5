// Package inputs holds real files to work on.
package inputs

import _ "embed"

// TZData is the time zone database in its compact text form, release 2025b: real text of some 112 KiB, which takes two
// wasm pages. It is in the public domain, as its first lines say. Debian installs it as /usr/share/zoneinfo/tzdata.zi.
//
//go:embed tzdata.zi
var TZData []byte

// Photo is a picture in JPEG, of 800 by 600 pixels: a lake at dusk, drawn by the command in photo/.
//
//go:generate bash -c "go run ./photo >photo.jpg"
//go:embed photo.jpg
var Photo []byte

// What a report calls them.
const (
	TZDataName = "tzdata.zi"
	PhotoName  = "photo.jpg"
)
