// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {World} from "./World.sol";

/// @notice Offering, withdrawing, retiring and clearing in any order, beside a plain table.
contract NodeOffersHandler is World {
    uint256 private constant NODES = 7;
    uint256 private constant MODELS = 3;

    bytes32[7] private _nodes;
    bool[7] private _retired;
    mapping(uint256 node => mapping(uint256 model => uint8)) private _modes;

    constructor() {
        _nodes[0] = nodes.nodeOf(keyIds[0]);
        for (uint256 i = 1; i < NODES; ++i) _nodes[i] = nodes.registerNode(INodeRegistry.NodeKind.LocalInference, "");
    }

    function setOffer(uint8 node, uint8 model, uint8 modes) external {
        (uint256 n, uint256 m) = (node % NODES, model % MODELS);
        modes = modes % 8;
        uint32 capacity = modes == 0 ? 0 : 1 + uint32(node);
        (bool ok, ) = address(nodes).call(abi.encodeCall(nodes.setOffer, (_nodes[n], _model(m), modes, capacity)));
        require(ok == (modes == 0 || !_retired[n]), "a retired node offers nothing new");
        if (ok) _modes[n][m] = modes;
    }

    function clearOffer(uint8 node, uint8 model) external {
        (uint256 n, uint256 m) = (node % NODES, model % MODELS);
        (bool ok, ) = address(nodes).call(abi.encodeCall(nodes.clearOffer, (_nodes[n], _model(m))));
        require(ok == (_retired[n] && _modes[n][m] != 0), "clears what a retired node left");
        if (ok) _modes[n][m] = 0;
    }

    function retire(uint8 node, uint8 rarely) external {
        uint256 n = node % NODES;
        if (rarely % 4 != 0 || _retired[n]) return;
        nodes.updateNode(_nodes[n], INodeRegistry.NodeStatus.Retired, "");
        _retired[n] = true;
    }

    /// @notice The list of a version is exactly the nodes that offer it, each once, whatever the pages.
    function checkLists() external view {
        for (uint256 m = 0; m < MODELS; ++m) {
            uint256 offering = 0;
            for (uint256 n = 0; n < NODES; ++n) {
                require(nodes.offer(_nodes[n], _model(m)).modes == _modes[n][m], "offer");
                if (_modes[n][m] != 0) ++offering;
            }
            (bytes32[] memory all, uint256 total) = nodes.offering(_model(m), 0, type(uint256).max);
            require(all.length == offering && total == offering, "as many as offer");
            for (uint256 i = 0; i < all.length; ++i) {
                uint256 n = uint256(all[i]) - uint256(_nodes[0]);
                require(_modes[n][m] != 0, "one that does not offer");
                for (uint256 j = 0; j < i; ++j) require(all[j] != all[i], "twice");
                (bytes32[] memory page, ) = nodes.offering(_model(m), i, 1);
                require(page.length == 1 && page[0] == all[i], "page");
            }
            (bytes32[] memory beyond, ) = nodes.offering(_model(m), offering, 5);
            require(beyond.length == 0, "beyond");
        }
    }

    function _model(uint256 m) private pure returns (bytes32) {
        return bytes32(m + 1);
    }
}

contract NodeOffersInvariantTest {
    NodeOffersHandler private handler;

    function setUp() external {
        handler = new NodeOffersHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice A version's list is exact. [R8]
    function invariant_lists() external view {
        handler.checkLists();
    }
}
