/**
 * Frames for a fuzzer, one after the other for ever: requests of every API, at versions by chance, each broken in a way by
 * chance or not at all, and now and then nothing but noise. Everything follows from the Random that is given.
 */
import { type Random, randomBelow } from "../../src/base/random.ts";
import { APIS } from "../../src/kafka/apis.ts";
import { MUTATIONS, validRequest } from "./frame-mutations.ts";
import { sized } from "./kafka.ts";

const WAYS = Object.entries(MUTATIONS);
const NOISE_EVERY = 16;
const NOISE_BYTES_MAX = 400;

export interface FuzzFrame {
  /** Size and all. */
  bytes: Buffer;
  /** "Fetch 7, truncated" */
  what: string;
}

export function* fuzzFrames(random: Random): Generator<FuzzFrame, never> {
  for (let i = 0; ; i++) {
    if (i % NOISE_EVERY === 0) {
      yield { bytes: sized(random.bytes(randomBelow(random, NOISE_BYTES_MAX))), what: "noise" };
      continue;
    }
    const api = APIS[randomBelow(random, APIS.length)] as (typeof APIS)[number];
    const { min, max } = api.request.versions;
    const version = min + randomBelow(random, max - min + 1);
    const [way, mutate] = WAYS[randomBelow(random, WAYS.length)] as (typeof WAYS)[number];
    const bytes = sized(mutate(validRequest(api, version, random), random));
    yield { bytes, what: `${api.name} ${version}, ${way}` };
  }
}
