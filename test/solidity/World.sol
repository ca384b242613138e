// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {DevelopmentAttestationVerifier} from "../../contracts/development/DevelopmentAttestationVerifier.sol";
import {InferenceRegistry} from "../../contracts/inference/InferenceRegistry.sol";
import {Attestation} from "../../contracts/interfaces/IAttestationVerifier.sol";
import {Lineage, ModelContributor, ModelParent} from "../../contracts/interfaces/IModelLineage.sol";
import {ModelSource} from "../../contracts/interfaces/IModelSources.sol";
import {ModelVersion} from "../../contracts/interfaces/IModelRegistry.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {IOPGVesting} from "../../contracts/interfaces/IOPGVesting.sol";
import {OPGToken} from "../../contracts/opg/OPGToken.sol";
import {EnclaveRegistry} from "../../contracts/registry/EnclaveRegistry.sol";
import {ModelRegistry} from "../../contracts/registry/ModelRegistry.sol";
import {NodeRegistry} from "../../contracts/registry/NodeRegistry.sol";
import {OPGStaking} from "../../contracts/staking/OPGStaking.sol";
import {SyntheticProofs} from "./SyntheticProofs.sol";
import {vm} from "./Vm.sol";

/// @notice The registries with two operator keys, an enclave key and a model version for all modes. The contract is
/// operator, guardian, governance and whoever reports faults in one.
abstract contract World {
    bytes32 internal constant MEASUREMENT = "measurement";
    uint256 internal constant KEY_LIFE = 20 days;
    uint256 private constant ROOT = 0x2007;

    uint256 internal constant MINIMUM_STAKE = 10_000e18;

    InferenceRegistry public registry;
    OPGToken internal token;
    OPGStaking internal staking;
    NodeRegistry internal nodes;
    EnclaveRegistry internal enclaves;
    ModelRegistry internal models;
    bytes32 internal modelId;
    /// @dev Two operator keys, then the enclave's.
    bytes32[3] internal keyIds;

    constructor() {
        vm.warp(_start());
        (address[] memory holders, uint256[] memory amounts) = (new address[](1), new uint256[](1));
        (holders[0], amounts[0]) = (address(this), 1_000_000_000e18);
        token = new OPGToken(holders, amounts);
        uint256[4] memory minimums = [MINIMUM_STAKE, MINIMUM_STAKE, MINIMUM_STAKE, MINIMUM_STAKE];
        staking = new OPGStaking(token, address(this), minimums, [uint256(1_000), 1_000, 1_000, 1_000]);
        bytes32[] memory phase1Ids = new bytes32[](1);
        phase1Ids[0] = SyntheticProofs.phase1Id();
        models = new ModelRegistry(address(this), address(this), phase1Ids);
        nodes = new NodeRegistry(address(this), address(this), staking);
        DevelopmentAttestationVerifier attestations = new DevelopmentAttestationVerifier(vm.addr(ROOT));
        enclaves = new EnclaveRegistry(address(this), address(this), nodes, attestations);
        registry = new InferenceRegistry(address(this), address(this), nodes, enclaves, models);

        staking.wire(nodes, enclaves, address(this), IOPGVesting(address(0)));
        staking.createPool(0, 0);
        token.approve(address(staking), MINIMUM_STAKE);
        staking.stake(address(this), 0, MINIMUM_STAKE);
        bytes32 nodeId = nodes.registerNode(INodeRegistry.NodeKind.LocalInference, "");
        keyIds[0] = _addOperatorKey(nodeId, 0);
        keyIds[1] = _addOperatorKey(nodeId, 1);
        keyIds[2] = _admitEnclave(nodeId, address(attestations));
        modelId = models.register(
            ModelVersion({
                contentHash: "weights",
                uri: "",
                modes: 7,
                verifier: address(models.groth16Verifier()),
                verifyingKey: SyntheticProofs.key(),
                signals: "input, output, binding",
                lineage: Lineage(0, new ModelParent[](0), new ModelContributor[](0)),
                licence: "",
                sources: new ModelSource[](0)
            })
        );
        enclaves.approveMeasurement(MEASUREMENT, modelId);
    }

    /// @dev When everything begins.
    function _start() internal pure virtual returns (uint256) {
        return 1_800_000_000;
    }

    function _secret(uint256 key) internal pure returns (uint256) {
        return 0x5ec2e7 + key;
    }

    function _sign(uint256 secret, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The points of the secrets above, x ‖ y.
    function _publicKey(uint256 key) private pure returns (bytes memory) {
        if (key == 0)
            return
                hex"6e09ed07c56327636988194b2088974fe191c91b81ae50367ce8115e0a290197"
                hex"c78ff22f22833c0e7c2c90cbf0d8cabcfa191764788083e1bc5a67d81c09397d";
        if (key == 1)
            return
                hex"3b96d557c89c78aa82a5bcf6c7ac8a35fc8e5363823fbb41ecae9d8d8de0a4bb"
                hex"0c793476105a14f9093e914bb916b038829132e6f106426a7e07e03c5115a32b";
        return
            hex"c63c95936b8a4dea26f758531c9932927fec2731d0504157f91899db5d5ae352"
            hex"a44505a4b013af01e3fde40592002bd50126c52d7d5e34b7efba30ca9f4de170";
    }

    function _addOperatorKey(bytes32 nodeId, uint256 key) private returns (bytes32) {
        bytes memory publicKey = _publicKey(key);
        bytes32 digest = nodes.keyRegistrationDigest(nodeId, keccak256(abi.encode(uint8(0), publicKey)));
        return nodes.addOperatorKey(nodeId, publicKey, uint64(block.timestamp + KEY_LIFE), _sign(_secret(key), digest));
    }

    function _admitEnclave(bytes32 nodeId, address attestations) private returns (bytes32) {
        Attestation memory attestation = Attestation({
            kind: 1,
            publicKey: _publicKey(2),
            measurement: MEASUREMENT,
            userData: enclaves.registrationUserData(nodeId),
            issuedAt: uint64(block.timestamp)
        });
        bytes32 hash = keccak256(abi.encode(block.chainid, attestations, attestation));
        hash = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", hash));
        bytes memory document = abi.encode(attestation, _sign(ROOT, hash));
        return enclaves.admit(nodeId, document, uint64(block.timestamp + KEY_LIFE));
    }
}
