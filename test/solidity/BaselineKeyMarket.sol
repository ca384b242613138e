// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @notice A plain key market of the friend.tech kind: what {TwinMarket}'s gas and safety are measured against. Its
/// weaknesses are the point of it, so it is never deployed: fees without a cap, changed at once and pushed inside the
/// trade, overpayment kept, no bounds.
contract BaselineKeyMarket {
    address public owner = msg.sender;
    address public protocolFeeDestination;
    uint256 public protocolFeePercent;
    uint256 public subjectFeePercent;
    mapping(address subject => mapping(address holder => uint256)) public sharesBalance;
    mapping(address subject => uint256) public sharesSupply;

    event Trade(
        address trader,
        address subject,
        bool isBuy,
        uint256 shareAmount,
        uint256 ethAmount,
        uint256 protocolEthAmount,
        uint256 subjectEthAmount,
        uint256 supply
    );

    error NotOwner();
    error OnlySubjectBuysFirst();
    error InsufficientPayment();
    error NotEnoughShares();
    error LastShare();
    error FeeNotTaken();

    function setFees(address destination, uint256 protocolPercent, uint256 subjectPercent) external {
        if (msg.sender != owner) revert NotOwner();
        (protocolFeeDestination, protocolFeePercent, subjectFeePercent) = (
            destination,
            protocolPercent,
            subjectPercent
        );
    }

    function getPrice(uint256 supply, uint256 amount) public pure returns (uint256) {
        uint256 sum1 = supply == 0 ? 0 : ((supply - 1) * supply * (2 * (supply - 1) + 1)) / 6;
        uint256 sum2 =
            supply == 0 && amount == 1
                ? 0
                : ((supply - 1 + amount) * (supply + amount) * (2 * (supply - 1 + amount) + 1)) / 6;
        return ((sum2 - sum1) * 1 ether) / 1_600_000;
    }

    function buyShares(address subject, uint256 amount) external payable {
        uint256 supply = sharesSupply[subject];
        if (supply == 0 && subject != msg.sender) revert OnlySubjectBuysFirst();
        uint256 price = getPrice(supply, amount);
        uint256 protocolFee = (price * protocolFeePercent) / 1 ether;
        uint256 subjectFee = (price * subjectFeePercent) / 1 ether;
        if (msg.value < price + protocolFee + subjectFee) revert InsufficientPayment();
        sharesBalance[subject][msg.sender] = sharesBalance[subject][msg.sender] + amount;
        sharesSupply[subject] = supply + amount;
        emit Trade(msg.sender, subject, true, amount, price, protocolFee, subjectFee, supply + amount);
        (bool sent1, ) = protocolFeeDestination.call{value: protocolFee}("");
        (bool sent2, ) = subject.call{value: subjectFee}("");
        if (!sent1 || !sent2) revert FeeNotTaken();
    }

    function sellShares(address subject, uint256 amount) external {
        uint256 supply = sharesSupply[subject];
        if (supply <= amount) revert LastShare();
        uint256 price = getPrice(supply - amount, amount);
        uint256 protocolFee = (price * protocolFeePercent) / 1 ether;
        uint256 subjectFee = (price * subjectFeePercent) / 1 ether;
        if (sharesBalance[subject][msg.sender] < amount) revert NotEnoughShares();
        sharesBalance[subject][msg.sender] = sharesBalance[subject][msg.sender] - amount;
        sharesSupply[subject] = supply - amount;
        emit Trade(msg.sender, subject, false, amount, price, protocolFee, subjectFee, supply - amount);
        (bool sent1, ) = msg.sender.call{value: price - protocolFee - subjectFee}("");
        (bool sent2, ) = protocolFeeDestination.call{value: protocolFee}("");
        (bool sent3, ) = subject.call{value: subjectFee}("");
        if (!sent1 || !sent2 || !sent3) revert FeeNotTaken();
    }
}
