;; Two memories: one that is the guest's, as every compiler makes it, and one in which the host allocates. No pointer of the
;; guest's can lead into that, so nothing that the guest does harms it, but by the functions here that are made for it.
(module
  (memory $own (export "memory") 1 16)
  (memory $host (export "host") 0 256)

  ;; Copies len bytes from p in the host's memory to q in the guest's.
  (func (export "fetch") (param $q i32) (param $p i32) (param $len i32)
    (memory.copy $own $host (local.get $q) (local.get $p) (local.get $len)))

  ;; The sum of len bytes at q in the guest's memory.
  (func (export "sum") (param $q i32) (param $len i32) (result i32)
    (local $s i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $len)))
        (local.set $s (i32.add (local.get $s) (i32.load8_u $own (local.get $q))))
        (local.set $q (i32.add (local.get $q) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $next)))
    (local.get $s))

  ;; Grows the guest's memory, and the host's.
  (func (export "grow") (param $delta i32) (result i32) (memory.grow $own (local.get $delta)))
  (func (export "grow_host") (param $delta i32) (result i32) (memory.grow $host (local.get $delta))))
