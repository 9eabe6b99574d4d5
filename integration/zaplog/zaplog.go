// Package zaplog logs what an allocator does to its memory, with zap. It is an example to copy: an observer for another
// logger is as short.
package zaplog

import (
	linmem "github.com/linmem/linmem/core"
	"go.uber.org/zap"
)

// Observer returns an observer for linmem.WithObserver that logs to log: growth and foreign pages at debug level, a
// growth that was not had as a warning.
func Observer(log *zap.Logger) *linmem.Observer {
	return &linmem.Observer{
		Grow: func(prev, delta uint64) {
			log.Debug("memory grew", zap.Uint64("from", prev), zap.Uint64("pages", delta))
		},
		GrowRefused: func(delta uint64, cause error) {
			log.Warn("memory did not grow", zap.Uint64("pages", delta), zap.Error(cause))
		},
		Foreign: func(r linmem.Range) {
			log.Debug("guest owns", zap.Uint64("start", uint64(r.Start)), zap.Uint64("pages", r.Len))
		},
	}
}
