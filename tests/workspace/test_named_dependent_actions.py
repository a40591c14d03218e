"""What is said of a call's companions, where several checks share one action."""

from __future__ import annotations

from iamtui.workspace.ask.dependent_questions import AuthorizedCall, is_about, on_resource, unsaid, whatever_fits

SUBNET = "arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1"
OTHER_SUBNET = "arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-2"
IMAGE = "arn:aws:ec2:eu-west-1::image/ami-1"

CHECKS = AuthorizedCall.of("ec2:RunInstances").checks
OF_SUBNETS = next(check for check in CHECKS if check.arn and is_about(check, SUBNET))
OF_IMAGES = next(check for check in CHECKS if check.arn and is_about(check, IMAGE))


def test_each_check_of_an_action_keeps_its_own_resource() -> None:
    named = on_resource({}, OF_SUBNETS, SUBNET)
    named = on_resource(named, OF_IMAGES, IMAGE)
    assert named == {"ec2:RunInstances": (SUBNET, IMAGE)}
    assert on_resource(named, OF_SUBNETS, OTHER_SUBNET) == {"ec2:RunInstances": (IMAGE, OTHER_SUBNET)}
    assert unsaid(named, OF_SUBNETS) == {"ec2:RunInstances": (IMAGE,)}
    assert unsaid(unsaid(named, OF_SUBNETS), OF_IMAGES) == {}


def test_letter_case_makes_no_other_action_of_it() -> None:
    named = {"EC2:runinstances": (SUBNET,), "iam:PassRole": ()}
    assert on_resource(named, OF_SUBNETS, OTHER_SUBNET) == {"iam:PassRole": (), "ec2:RunInstances": (OTHER_SUBNET,)}
    assert unsaid(named, OF_SUBNETS) == {"iam:PassRole": ()}
    assert whatever_fits(named, OF_SUBNETS) == {"iam:PassRole": (), "ec2:RunInstances": ()}
