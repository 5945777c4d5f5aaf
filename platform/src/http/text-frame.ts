/** A WebSocket frame with this text as a server sends it: final, not masked, not compressed (RFC 6455, 5.2). */
export function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const head = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + bytes);
  frame[0] = 0x81;
  if (head === 2) frame[1] = bytes;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
  frame.write(text, head);
  return frame;
}

/** Makes the frame of a text that is sent to many, one after another, once. */
export class LastFrame {
  #text = "";
  #frame = textFrame("");

  of(text: string): Buffer {
    if (text !== this.#text) {
      this.#text = text;
      this.#frame = textFrame(text);
    }
    return this.#frame;
  }

  /** Lets go of the last text. */
  forget(): void {
    this.of("");
  }
}
