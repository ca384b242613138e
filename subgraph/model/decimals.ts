/** a / b, cut off behind so many decimals and written without zeros at the end; null where b is 0. */
export function ratio(a: bigint, b: bigint, decimals: number): string | null {
  if (b === 0n) return null;
  const unit = 10n ** BigInt(decimals);
  const scaled = (a * unit) / b;
  const fraction = (scaled % unit).toString().padStart(decimals, "0").replace(/0+$/, "");
  return `${scaled / unit}${fraction === "" ? "" : `.${fraction}`}`;
}
