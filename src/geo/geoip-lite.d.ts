/** As much of geoip-lite 1.4 as is used; it brings no types. */
declare module 'geoip-lite' {
  /** What is known of a range of addresses. */
  interface Range {
    /** ISO 3166-1 alpha-2; empty where it is not known. */
    country: string;
    /** Degrees north and east; null in data that knows countries only. */
    ll: [number | null, number | null];
  }
  const geoip: { lookup(address: string): Range | null };
  export default geoip;
}
