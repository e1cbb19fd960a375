import { expect, test } from "bun:test";
import { nextDescriptor } from "../../src/base/descriptor-watch.ts";

test("the next descriptor is one that is not taken", () => {
  expect(nextDescriptor()).toBeGreaterThan(2);
});

test("where there is no /dev, as in a bare chroot, descriptors do not count as taken", () => {
  expect(nextDescriptor("/no/such/device")).toBe(0);
});
