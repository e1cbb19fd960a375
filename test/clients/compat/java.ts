/** How the tests run Java: jars and classes that `make test-clients` has put below VOIK_JAVA_LIB. */
import { join } from "node:path";

/** As test/clients/java/pom.xml has it. */
export const JAVA_VERSION = "4.4.0";

/** Short-lived programs: the quick compiler and the small collector. */
export const JAVA = [
  "java",
  "-XX:TieredStopAtLevel=1",
  "-XX:+UseSerialGC",
  "-Xshare:auto",
  "-Xmx256m",
] as const;

export function javaPath(): string {
  const lib = process.env.VOIK_JAVA_LIB ?? "";
  return `${join(lib, "classes")}:${join(lib, "*")}`;
}
