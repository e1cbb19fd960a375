/** How the tests run Java: the jars and the archive of classes that `make test-clients` has put into VOIK_JAVA_LIB. */
import { join } from "node:path";

/** As test/clients/java/pom.xml has it. */
export const JAVA_VERSION = "4.4.0";

const lib = process.env.VOIK_JAVA_LIB ?? "";

/** Short-lived programs: the quick compiler, the small collector, classes out of an archive. */
export const JAVA = [
  "java",
  "-XX:TieredStopAtLevel=1",
  "-XX:+UseSerialGC",
  "-Xmx256m",
  `-XX:SharedArchiveFile=${join(lib, "classes.jsa")}`,
  "-Xlog:disable",
] as const;

/** The class path; `more` behind it. */
export function javaPath(...more: string[]): string {
  return [join(lib, "*"), ...more].join(":");
}
