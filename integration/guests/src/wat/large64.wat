;; A 64-bit memory that can have more than the 65,536 pages of a 32-bit one: 2^20, which are 64 GiB.
(module
  (memory (export "memory") i64 1 1048576)

  ;; The 8 bytes at p, and the byte at p set to b.
  (func (export "load") (param $p i64) (result i64) (i64.load (local.get $p)))
  (func (export "store") (param $p i64) (param $b i64) (i64.store8 (local.get $p) (local.get $b)))

  (func (export "grow") (param $delta i64) (result i64) (memory.grow (local.get $delta))))
