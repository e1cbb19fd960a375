/**
 * A load generator over raw TCP: sends ready-made request frames, a fixed number in flight per connection, and counts
 * reply frames by their length. It looks at nothing else, so that the server is what is measured.
 */

/** One connection's work: `frameAt(i)` is the i-th request, size and all. */
export interface Pipeline {
  port: number;
  requests: number;
  inFlightMax: number;
  frameAt(index: number): Buffer;
}

export interface PipelineResult {
  /** Bytes of all replies, sizes and all. */
  replyBytes: number;
  /** Milliseconds from each request's send to its reply, unsorted. */
  latenciesMs: Float64Array;
}

/** Runs one connection until every request is answered. */
export function runPipeline(pipeline: Pipeline): Promise<PipelineResult> {
  const { port, requests, inFlightMax, frameAt } = pipeline;
  const latenciesMs = new Float64Array(requests);
  const sentAt = new Float64Array(requests);
  let sent = 0;
  let answered = 0;
  let replyBytes = 0;
  let unsent: Buffer | undefined;
  let replyLeft = 0;
  const size = Buffer.alloc(4);
  let sizeBytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<PipelineResult>();

  const send = (socket: Bun.Socket) => {
    for (;;) {
      if (unsent === undefined) {
        if (sent >= requests || sent - answered >= inFlightMax) return;
        unsent = frameAt(sent);
        sentAt[sent++] = performance.now();
      }
      const written = socket.write(unsent);
      if (written < unsent.length) {
        unsent = unsent.subarray(Math.max(written, 0));
        return;
      }
      unsent = undefined;
    }
  };

  const receive = (bytes: Buffer) => {
    for (let at = 0; at < bytes.length;) {
      if (replyLeft === 0) {
        const taken = bytes.copy(size, sizeBytes, at, at + 4 - sizeBytes);
        at += taken;
        sizeBytes += taken;
        if (sizeBytes < 4) return;
        sizeBytes = 0;
        replyLeft = size.readInt32BE(0);
        replyBytes += 4 + replyLeft;
      }
      const taken = Math.min(replyLeft, bytes.length - at);
      at += taken;
      replyLeft -= taken;
      if (replyLeft === 0) {
        latenciesMs[answered] = performance.now() - (sentAt[answered] as number);
        answered++;
      }
    }
  };

  void Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: send,
      drain: send,
      data(socket, bytes) {
        receive(bytes);
        if (answered === requests) {
          socket.end();
          resolve({ replyBytes, latenciesMs });
        } else send(socket);
      },
      close() {
        if (answered < requests)
          reject(new Error(`the server closed after ${answered} of ${requests} replies`));
      },
      error: (_, error) => reject(error),
    },
  }).catch(reject);
  return promise;
}
