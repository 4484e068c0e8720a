"""The risk screen: what contenders answer where somebody may be in danger, examined by stated rules."""
