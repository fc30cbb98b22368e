// Rows as UTF-8, gathered in one buffer. With a string for each row, joined from its numbers, a million rows made the
// heap grow twice as far. Integers too are written digit by digit: the engine keeps the strings that it makes of numbers
// for a while, so that they live until the heap has grown.

/** How large a chunk of an answer is: with its last row still below 64 KB. The first is small, so that the reader soon sees the answer begin. */
export const FIRST_CHUNK_BYTES = 2 * 1024
export const CHUNK_BYTES = 60 * 1024

export interface RowBytes {
  /** Bytes gathered. */
  readonly length: number
  /** Text that is already UTF-8. */
  utf8(text: Uint8Array): void
  /** A safe integer from 0 up. */
  count(value: number): void
  /** As JSON writes it. */
  number(value: number): void
  /** What has been gathered, for the caller to keep. Begins anew. */
  take(): Uint8Array
}

export function rowBytes(): RowBytes {
  let buffer = new Uint8Array(2 * CHUNK_BYTES)
  const state = { length: 0 }

  function makeRoom(bytes: number): void {
    if (state.length + bytes <= buffer.length) return
    const larger = new Uint8Array(2 * (state.length + bytes))
    larger.set(buffer)
    buffer = larger
  }

  return Object.assign(state, {
    utf8(text: Uint8Array): void {
      makeRoom(text.length)
      buffer.set(text, state.length)
      state.length += text.length
    },
    count(value: number): void {
      let digits = 1
      for (let power = 10; power <= value; power *= 10) digits += 1
      makeRoom(digits)
      let rest = value
      for (let i = state.length + digits - 1; i >= state.length; i -= 1) {
        const digit = rest % 10
        buffer[i] = 48 + digit
        rest = (rest - digit) / 10
      }
      state.length += digits
    },
    number(value: number): void {
      const digits = String(value)
      makeRoom(digits.length)
      for (let i = 0; i < digits.length; i += 1) buffer[state.length + i] = digits.charCodeAt(i)
      state.length += digits.length
    },
    take(): Uint8Array {
      const taken = buffer.slice(0, state.length)
      state.length = 0
      return taken
    },
  })
}
