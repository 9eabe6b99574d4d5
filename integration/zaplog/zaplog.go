// Package zaplog logs what an allocator does to its memory, with zap. It is an example to copy: an observer for another
// logger is as short.
package zaplog

import (
	linmem "github.com/linmem/linmem/core"
	"go.uber.org/zap"
)

// Observer returns an observer for linmem.WithObserver that logs to log: growth, foreign pages and the pages of heaps at debug
// level; a growth that was not had, and a call of a heap on what is not allocated, as warnings.
func Observer(log *zap.Logger) *linmem.Observer {
	return &linmem.Observer{
		Grow: func(prev, delta uint64) {
			log.Debug("memory grew", zap.Uint64("from", prev), zap.Uint64("pages", delta))
		},
		GrowRefused: func(delta uint64, cause error) {
			log.Warn("memory did not grow", zap.Uint64("pages", delta), zap.Error(cause))
		},
		Source: func(r linmem.Range) {
			log.Debug("source gave pages", pages(r)...)
		},
		Foreign: func(r linmem.Range) {
			log.Debug("guest owns", pages(r)...)
		},
		HeapGained: func(r linmem.Range) {
			log.Debug("heap took pages", pages(r)...)
		},
		HeapReturned: func(r linmem.Range) {
			log.Debug("heap returned pages", pages(r)...)
		},
		Misuse: func(err error) {
			log.Warn("not allocated", zap.Error(err))
		},
	}
}

func pages(r linmem.Range) []zap.Field {
	return []zap.Field{zap.Uint64("start", uint64(r.Start)), zap.Uint64("pages", r.Len)}
}
