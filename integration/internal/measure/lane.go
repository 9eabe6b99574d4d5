// Package measure times things that compete, in one process and in turns, for the commands that compare.
package measure

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"
)

// Workload is what is done over and over.
type Workload interface {
	// Turns does so many turns. It fails if an answer cannot be.
	Turns(n int) error
}

// Lane is one of those that compete.
type Lane struct {
	Name string
	Workload

	batch int       // turns between two looks at the clock
	ns    []float64 // of a turn, in each round
}

// NewLane returns a lane that was not measured yet.
func NewLane(name string, w Workload) *Lane { return &Lane{Name: name, Workload: w} }

// Batch returns how many turns take a small part of a measurement, once there was one.
func (l *Lane) Batch() int { return l.batch }

// Median returns the median time of a turn over the rounds, in nanoseconds.
func (l *Lane) Median() float64 { return Median(l.ns) }

// Rounds measures each lane once a round, in a different order each round, after a garbage collection. A measurement takes
// as long as limit says, or a turn if that takes longer.
func Rounds(lanes []*Lane, rounds int, limit time.Duration) error {
	for _, l := range lanes {
		if err := l.calibrate(limit); err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
	}
	for round := range rounds {
		for i := range lanes {
			l := lanes[(i+round)%len(lanes)]
			if err := l.round(limit); err != nil {
				return fmt.Errorf("%s: %w", l.Name, err)
			}
		}
	}
	return nil
}

// calibrate finds the batch that takes a small part of a measurement. It warms up on the way.
func (l *Lane) calibrate(limit time.Duration) error {
	const part, most = 32, 1 << 24
	for l.batch = 1; ; l.batch *= 2 {
		start := time.Now()
		if err := l.Turns(l.batch); err != nil {
			return err
		}
		if time.Since(start) >= limit/part || l.batch >= most {
			return nil
		}
	}
}

func (l *Lane) round(limit time.Duration) error {
	runtime.GC()
	turns, start := 0, time.Now()
	for {
		if err := l.Turns(l.batch); err != nil {
			return err
		}
		turns += l.batch
		if taken := time.Since(start); taken >= limit {
			l.ns = append(l.ns, float64(taken)/float64(turns))
			return nil
		}
	}
}

// Median returns the middle of the values, of which there is at least one.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// GeometricMean returns the geometric mean of the values, of which there is at least one, all above 0.
func GeometricMean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}
