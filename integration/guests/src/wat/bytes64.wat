;; ../bytes.c with a 64-bit memory: addresses and lengths are i64.
(module
  (memory (export "memory") i64 1 256)

  ;; 64-bit FNV-1a of len bytes at p.
  (func (export "fnv1a") (param $p i64) (param $len i64) (result i64)
    (local $h i64)
    (local.set $h (i64.const 0xcbf29ce484222325))
    (block $done
      (loop $next
        (br_if $done (i64.eqz (local.get $len)))
        (local.set $h
          (i64.mul
            (i64.xor (local.get $h) (i64.load8_u (local.get $p)))
            (i64.const 0x100000001b3)))
        (local.set $p (i64.add (local.get $p) (i64.const 1)))
        (local.set $len (i64.sub (local.get $len) (i64.const 1)))
        (br $next)))
    (local.get $h))

  ;; Reverses len bytes at p in place.
  (func (export "reverse") (param $p i64) (param $len i64)
    (local $q i64) (local $b i32)
    (local.set $q (i64.add (local.get $p) (local.get $len)))
    (block $done
      (loop $next
        (br_if $done (i64.ge_u (i64.add (local.get $p) (i64.const 1)) (local.get $q)))
        (local.set $q (i64.sub (local.get $q) (i64.const 1)))
        (local.set $b (i32.load8_u (local.get $p)))
        (i32.store8 (local.get $p) (i32.load8_u (local.get $q)))
        (i32.store8 (local.get $q) (local.get $b))
        (local.set $p (i64.add (local.get $p) (i64.const 1)))
        (br $next))))

  ;; memory.grow: the size before, in pages, or -1.
  (func (export "grow") (param $delta i64) (result i64) (memory.grow (local.get $delta)))

  ;; 4,096 bytes of the guest's own.
  (func (export "own") (result i64) (i64.const 1024))

  ;; Traps, whatever it is given.
  (func (export "trap") (param i64 i64) unreachable))
