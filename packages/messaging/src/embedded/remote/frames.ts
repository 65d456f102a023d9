import { AdctlError, Failure } from '@adctl/protocol';
import { z } from 'zod';

/** Version of the conversation on the socket; both sides say theirs first and must agree. */
export const PROTOCOL_VERSION = 1;

/** Longest frame in bytes. Large values travel by reference, not through here. */
export const FRAME_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Everything said on the socket. Either side may ask: `call` is answered by `result` or `failure`; `open` by any number
 * of `items` and then `end` or `failure`, where each `items` waits for a `more`. `cancel` ends either early. Ids are the
 * asking side's.
 */
export const Frame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), service: z.literal('adctl'), version: z.int(), pid: z.int() }),
  z.object({ type: z.literal('call'), id: z.int(), method: z.string(), input: z.unknown() }),
  z.object({ type: z.literal('result'), id: z.int(), output: z.unknown() }),
  z.object({ type: z.literal('failure'), id: z.int(), failure: Failure }),
  z.object({ type: z.literal('open'), id: z.int(), method: z.string(), input: z.unknown() }),
  z.object({ type: z.literal('items'), id: z.int(), items: z.array(z.unknown()) }),
  z.object({ type: z.literal('more'), id: z.int() }),
  z.object({ type: z.literal('end'), id: z.int() }),
  z.object({ type: z.literal('cancel'), id: z.int() }),
]);
export type Frame = z.infer<typeof Frame>;

const HEADER_BYTES = 4;

/**
 * A frame on the wire: its length in bytes (unsigned 32 bit, big endian), then JSON in UTF-8.
 * @throws AdctlError bug `message_too_large`.
 */
export function encodeFrame(frame: Frame): Buffer {
  return encodeText(JSON.stringify(frame));
}

/** Like `encodeFrame` for items that are JSON text already. */
export function encodeItems(id: number, items: readonly string[]): Buffer {
  return encodeText(`{"type":"items","id":${id},"items":[${items.join(',')}]}`);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  if (bytes > FRAME_LIMIT_BYTES) {
    throw new AdctlError(`a message of ${bytes} bytes is too large to send; the limit is ${FRAME_LIMIT_BYTES}`, {
      code: 'message_too_large',
      kind: 'bug',
      hint: 'Store the value as an object and send its key.',
      details: { bytes, limit: FRAME_LIMIT_BYTES },
    });
  }
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + bytes);
  buffer.writeUInt32BE(bytes, 0);
  buffer.write(text, HEADER_BYTES);
  return buffer;
}

/** Cuts a byte stream back into frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /**
   * Takes the next bytes and returns the frames they completed.
   * @throws AdctlError permanent `bad_frame` for what is no frame; the stream is unusable then.
   */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    for (let body = this.#take(); body !== null; body = this.#take()) frames.push(parseFrame(body));
    return frames;
  }

  /** The next whole frame's JSON, or null until it is complete. */
  #take(): string | null {
    if (this.#bytes < HEADER_BYTES) return null;
    if ((this.#chunks[0]?.length ?? 0) < HEADER_BYTES) this.#join();
    const length = this.#chunks[0]?.readUInt32BE(0) ?? 0;
    if (length > FRAME_LIMIT_BYTES) throw badFrame(`its length says ${length} bytes`);
    if (this.#bytes < HEADER_BYTES + length) return null;
    const whole = this.#join();
    this.#chunks = [whole.subarray(HEADER_BYTES + length)];
    this.#bytes -= HEADER_BYTES + length;
    return whole.toString('utf8', HEADER_BYTES, HEADER_BYTES + length);
  }

  #join(): Buffer {
    const [first] = this.#chunks;
    const whole = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }
}

function parseFrame(text: string): Frame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badFrame('it is not JSON', error);
  }
  const frame = Frame.safeParse(value);
  if (!frame.success) throw badFrame(z.prettifyError(frame.error), frame.error);
  return frame.data;
}

/** Thrown when the other side does not speak our language. */
function badFrame(why: string, cause?: unknown): AdctlError {
  return new AdctlError(`what came over the controller's socket is no message of ours: ${why}`, {
    code: 'bad_frame',
    kind: 'permanent',
    hint: 'Let all terminals use the same version of adctl.',
    cause,
  });
}
