//go:build !race

package pagemap_test

const raceDetector = false
