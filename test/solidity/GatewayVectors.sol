// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @notice Answers of a gateway whose key everybody has: `fixedRsaKey` and `fixedSignature` of test/support/rsa.ts. Answer i
/// has requestHash i + 1, outputHash i + 101 and the time {timestamp}. They bind no chain and no contract, so they are the
/// same for ever.
library GatewayVectors {
    uint256 internal constant COUNT = 8;

    bytes internal constant PUBLIC_KEY =
        hex"30820122300d06092a864886f70d01010105000382010f003082010a02820101"
        hex"00e5d507f6f08ef44ce23dbd42a4730a6845bc5607556c1b959f1fc8cf1e1f66"
        hex"aeea7cfcd3d6934e9e279754f602542e46b3198b01bba5063e7207db61368be2"
        hex"ddf2f56a126c35e42dd4c985de875f167fc7092aecc47768acdf79b649a7f451"
        hex"2a36c6ca561b9f5b4a5183edff3840ed7369a00c6255625e769c32b1ce3a629f"
        hex"391dbb6715a668524fbcb8e8db94290adfa4368bd7201f0a1c4604fbf2be7e64"
        hex"6fc9ac0a1fcf0f40beb09c19b0f21cf78af7d332e9886f4d9f02fe653645f698"
        hex"57d67d6ae8a08c3241b4272556767905b0691c3a0272b7a04282e28a4f90cabf"
        hex"60c8d04cba7f083165078bd7e65dd22ca93755295429b1fc93e13e6ea8b3f298"
        hex"390203010001";

    bytes internal constant SIGNATURES =
        hex"6c31f5ff684a4eb3a86baeab9404acd6270140801b77411cb465ab49ff8d0231"
        hex"49382b0932c1e72a6aeab59c3554870ed0556328d487951d271e5e55c785bfd7"
        hex"9579217ab421f2c06f781424b1b8e249fddb79113d7f33641c634818bd1882bc"
        hex"2ed3c8700e3802cb5d70ab051a5855a8a32785c043049692a3e1c53abf4f7edc"
        hex"bf0049fea2aabb02b6bae8a77d418df4049c085ed908fa159cbcef19cd27d379"
        hex"388d7585a4a267cf611482935e9448ffa502e837f2feb6ce2465be6d53979b8d"
        hex"837fb522edf61ca24a71ddba7b291fcf2b40bcc6571509b4cc6fccb111eedac3"
        hex"45e588cccb90113cc943e9431978459d72767ae3a15e08717a32c9cfccabf239"
        hex"03f832c1faec8c5e7c61b46621a7146339855d47dffbd4ffc1e9f979041bef8f"
        hex"ca312974cc3610423a733eedc3bf8443581230ce39dfba4d9d006085150b7de2"
        hex"85918d2c528c5523f1f777a7572de9de2a6f614882296fe2e07f0c2b1b63a742"
        hex"f1cd1bf0a305c8b861ea7c87d4d31f3a5390fa429c7922d5f9f54b0bf7039585"
        hex"14623824f92cede7c249492661149c689603b59fe88381f6fa11fbf3d0e8efe5"
        hex"a41c26fae0da1bdf62b3b27acfbe431e578050bb429fe07979427ef0ee37f1c3"
        hex"7be3ee9fcc4d31d00c808203616909a42dfeecf3d3adfe7efa1be3b4cbb5201d"
        hex"c16a2c048d652dac8f010f79f9da125ab1069db188f30fb330f0670ce08bc0cc"
        hex"cd17489baa8cc3cf48b7b710b76379aa6ddb8477b0aa80785766d5f74316e9c9"
        hex"d348e7a13027603456d95c740e505760ab8e0e0ffecde8be2bea1d76f139784c"
        hex"41b47d64b473c05f5bad2a4716c34fb0c24ef39cc651c0424f085619b6a7ba83"
        hex"4980cabd1bd57977d6a19e795184dfe5b5a4b0f9598feb40beb19422496afc26"
        hex"e94d9db4ad8f23e21855e515a878f9cefb7e286e4dd5de3812e7b912852e5e29"
        hex"e3ee87f7b435df9ad5a5ec19fa7d7d44ee001a258a898ec4cfdfc615cd553933"
        hex"fdede3d4d62df421efe1b75a478fa4da9ecaf80004c53bb5f658e91b36d045c9"
        hex"085173de81c48bda739f843e68cac49ff9ffc7960b7caf4a87887e783a48343f"
        hex"41620a65ce09270c67fa81a6ebe23e6044a05c6059aa679e7353be86453d7ba7"
        hex"db61390ac5348a51b1e0c6a0b3ad7f138f777be4488a8292bee92259efe0d22f"
        hex"4a3a14b66fbea2d4a696af1fef6476ccb90e4a5fc82f5b447dfc292983f8832c"
        hex"3c90fd615faf0a9e6d0d2d0b46c48772fb3e1abddbb24d5731746f49a8d08787"
        hex"1eaf12d5c9c1711d367de4b4f6e303a719aa706c222d333f8d6dade26a80a01b"
        hex"9f470fa800035f7b79cfd6ad6c76664f09392da1d37532b882d6d6b8633f16cc"
        hex"3634f838997a6a162e2f6b1877a45f4c0aec7a46d938d3046d661e43a196455c"
        hex"401b51016665e42ef693e235804db26ecf0b0336578ecb9afc1dcafab4903ec8"
        hex"2a33e65e75c9a625c75a688fc608ff7a526493f60767c49b76990d918b0db9ba"
        hex"35386ad87f0ce0d891fc93c95e4c2b731dff750e1d6b9b20892282fae87c200f"
        hex"705ccc847fd9edb674372828ee26bf8a78e5ddf30b66a60af7ba5beefb1f8c1f"
        hex"f8333cebecb6badeeb505c20a149dbf88991789165fcbb41b28744bf68d6aa7c"
        hex"76688ed1496db48fe427040af12c6f2b3e458bc7b5fa2a5619d2291dc6644af6"
        hex"10917583e15e8197c64dbd1631648e98413745feb693d9b4b8a9dabee312bb8b"
        hex"c1479c0772ce59975b97b64e35b67985aa29c6dc635e5df8a8abbeddc642a6f0"
        hex"aeca7c917e381517fd76b319f0bf7c55c9d367f2837c1ce106feb7c31f5e24f1"
        hex"cef053b703bf2b4283c14919f4ab28238a5d5056bfe4989d9036fca256be95ae"
        hex"d0a5028fa8ad015790d18c808554d4a86ea421c581f10d363800979d193e52be"
        hex"cd6b4ce5d80eab34206d991d60af4cfcb1f5afa38ea0dd2500b098ad5e9979dc"
        hex"6bd3be7576fbf56d6075db988feb0a47b8c170700157ecd4305c41a19332f138"
        hex"0276ac1496b8cf8c646094e54ef8c600dec82de1b3766513121bf810c6c00281"
        hex"23a021539b23b4ebbe1800965cd94534ddc725c92f6961d643107213fcee5dc1"
        hex"9361bad3bda63cdca97f1f20b803453a41f2c527e2e0eb5a90881028e15ae9e4"
        hex"f674de40635b2d0c4c7a526e5f7809718d478c2a3a813639e926c3e1ca5a288c"
        hex"68dc7b9ce1ddb00b3c5eded94bffabb5986abb0c601d9f8713434be07a7693d8"
        hex"a2bbcaeb1fee265af305b2d72b768f7ef94b4342d1ea55c3842986d752581221"
        hex"91bf73b7b9963e08ed4178df23c9683b8d75182c6212ca85a76e92b7459a7e6d"
        hex"4a33bb17b0550a98a885057f8f324eb69ae82d367f0e7e36b5502a44621c1d9b"
        hex"bc5f8af306707868fb24a7ae358f1a33f4e6a7fa75b866c7baa4792aa4bf3d1d"
        hex"89909d462007e34717be99069a8ade3b6f88c2fcc5fedc93d6afb4bd8650a361"
        hex"94edefbd60703b9196edeebf24fb864dd4604ba753fc9a6317842da0b8ff7a6b"
        hex"b5b3a539588baf87b946fff74275e715292f64c7fca0dfb2d6c405bcb1e7eb96"
        hex"507b756febe24a9b0d0562fdfd93ae63fb55db1c975534d6f5ed9347ceaaf00d"
        hex"d098fd0debbc3f3dc0fddaa47b90eba4eb06f55e451f31947dc582598a5205fe"
        hex"a6cc0db0bfbdae4fc82675a73c18bb9b126c608e672ff520c9b263e15222a567"
        hex"fa2eb9299449643b1a2d7d32e050f727348c0b89d6dd65fc1164cb895594591c"
        hex"ef2b81637da35fe58f660161d9b4399277ce1892b74957a4ed504ee7911068ce"
        hex"9d2dd9c8ee719146e81dd6b3960b8b59b4af71b97363d2afbc522dbdbae96348"
        hex"0c75741a5ff9b6d21b076fbbd37bc862f422009035244a5160fa987449705eb0"
        hex"ce5b3b77c02b01263c06b911d2c9b6357dcab5199133d752ee583ced61ee2b69";

    /// @notice Three enclave keys x ‖ y, of the secrets that follow those of `World`.
    bytes internal constant SUCCESSORS =
        hex"762073ab0b4d4e266992c5ff9acdddb829527510a5ed50ba5fb02c6d7ff4e9f3"
        hex"f89436abd0b511312db5166e2f48c0d2e98f25f3e8fabf90570fbc56272904db"
        hex"541bcc580ef9d4213a38a8b691bb24fe8f61e4f65e00a09359309301567badc4"
        hex"97346541b12e7e68f9dee395e842964ec6202e23c81480f8b9f7595d6dc62aac"
        hex"29353e92f401ae3e795abe15cb6336a66d5cfd40e99252d085b1c915e2096d53"
        hex"663fec385cc82e889675520392daf3e9ef45657972f304a4d7c4c5ba9c80cf48";

    function timestamp(uint256 i) internal pure returns (uint256) {
        int256[8] memory offsets = [int256(-1), 0, 3600, 86400, 172807, 432000, 1728000, 1728001];
        return uint256(1_800_000_000 + offsets[i]);
    }

    function signature(uint256 i) internal pure returns (bytes memory) {
        return _part(SIGNATURES, i * 256, 256);
    }

    function successor(uint256 i) internal pure returns (bytes memory) {
        return _part(SUCCESSORS, i * 64, 64);
    }

    function _part(bytes memory all, uint256 from, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 j = 0; j < length; ++j) part[j] = all[from + j];
    }
}
