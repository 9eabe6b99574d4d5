//go:build race

package linmemtest

const raceDetector = true
