;; A shared memory, as threads have it: it never moves, and may grow while others use it.
(module
  (memory (export "memory") 1 256 shared)

  ;; Looks at the word at stop until it is not 0, n times at most, and returns what it was the last time.
  (func (export "wait") (param $stop i32) (param $n i32) (result i32)
    (local $seen i32)
    (loop $again
      (local.set $seen (i32.atomic.load (local.get $stop)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.and (i32.eqz (local.get $seen)) (i32.ne (local.get $n) (i32.const 0)))))
    (local.get $seen))

  ;; Adds b to the word at p, and returns what was there.
  (func (export "add") (param $p i32) (param $b i32) (result i32)
    (i32.atomic.rmw.add (local.get $p) (local.get $b)))

  (func (export "grow") (param $delta i32) (result i32) (memory.grow (local.get $delta))))
